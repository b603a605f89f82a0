/* control.c: see control.h. The rules are those of put_cmsg() and scm_detach_fds() in net/core. */
#include "scope/control.h"

#include "identity/identity.h"
#include "kernel.h"

#include <string.h>

struct destination {
    char *at;
    size_t room;
    bool is_cut;
};

static bool is_for_server(const struct cmsghdr *control, const struct wanted_facts *wanted)
{
    if (!identity_is_datagram_fact(control))
        return true;
    return control->cmsg_type == SCM_CREDENTIALS ? wanted->credentials : wanted->mark;
}

static void put(struct destination *to, const struct cmsghdr *control, size_t length)
{
    struct cmsghdr header = *control;
    size_t space = CMSG_ALIGN(length);

    header.cmsg_len = length;
    memcpy(to->at, &header, sizeof header);
    memcpy(to->at + sizeof header, CMSG_DATA(control), length - sizeof header);
    if (space > to->room)
        space = to->room;
    to->at += space;
    to->room -= space;
}

/* As many as there is room for; the others are closed. */
static void put_descriptors(struct destination *to, const struct cmsghdr *control)
{
    const size_t size = sizeof(int);
    size_t count = (control->cmsg_len - CMSG_LEN(0)) / size;
    size_t fit = to->room > CMSG_LEN(0) ? (to->room - CMSG_LEN(0)) / size : 0;

    for (size_t i = fit; i < count; i++) {
        int number;

        memcpy(&number, CMSG_DATA(control) + i * size, size);
        kernel_close(number);
    }
    if (fit < count)
        to->is_cut = true;
    if (fit > count)
        fit = count;
    if (fit > 0)
        put(to, control, CMSG_LEN(fit * size));
}

/* The kernel makes none that it has no room for. */
static bool is_lost_pidfd(const struct destination *to, const struct cmsghdr *control)
{
    return control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_PIDFD &&
           to->room < CMSG_LEN(sizeof(int));
}

static void close_pidfd(const struct cmsghdr *control)
{
    int number;

    memcpy(&number, CMSG_DATA(control), sizeof number);
    if (number >= 0)
        kernel_close(number);
}

static void put_message(struct destination *to, const struct cmsghdr *control)
{
    size_t length = control->cmsg_len;

    if (is_lost_pidfd(to, control)) {
        close_pidfd(control);
        to->is_cut = true;
        return;
    }
    if (to->room < sizeof *control) {
        to->is_cut = true;
        return;
    }
    if (to->room < length) {
        to->is_cut = true;
        length = to->room;
    }
    put(to, control, length);
}

void control_hand_over(
    const struct msghdr *own, struct msghdr *message, const struct wanted_facts *wanted)
{
    struct destination to = {
        message->msg_control, message->msg_control ? message->msg_controllen : 0, false};
    size_t room = to.room;

    for (struct cmsghdr *control = CMSG_FIRSTHDR(own); control;
         control = CMSG_NXTHDR((struct msghdr *)(uintptr_t)own, control)) {
        if (!is_for_server(control, wanted))
            continue;
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
            put_descriptors(&to, control);
        else
            put_message(&to, control);
    }
    message->msg_controllen = room - to.room;
    message->msg_flags = own->msg_flags | (to.is_cut ? MSG_CTRUNC : 0);
}
