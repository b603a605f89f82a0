/* one_datagram.c: see one_datagram.h. */
#include "scope/one_datagram.h"

#include "kernel.h"
#include "libc.h"
#include "scope/admission.h"
#include "scope/control.h"
#include "scope/datagrams.h"
#include "scope/handlers.h"
#include "scope/scope.h"
#include "scope/senders.h"
#include "scope/signals.h"
#include "scope/thread.h"

#include <errno.h>
#include <string.h>

enum {
    MOST_CONTROL = 4096,                            /* more than the kernel has for one message */
    OUR_CONTROL = CMSG_SPACE(3 * sizeof(uint32_t)), /* struct ucred, or a mark */
    TIME_CONTROL = CMSG_SPACE(2 * sizeof(int64_t)), /* SO_TIMESTAMP, ahead of the rest */
};

/* ---- one datagram -----------------------------------------------------------------------------
 */

union control {
    struct cmsghdr header;
    char space[MOST_CONTROL + OUR_CONTROL + TIME_CONTROL];
};

/* For what tells us who sent it, and for nothing that comes behind that. */
static size_t room_of_our_own(const struct descriptor *entry)
{
    return OUR_CONTROL + (entry && entry->flags & DATAGRAMS_TELL_TIME ? TIME_CONTROL : 0);
}

/*
 * With AF_UNIX credentials come ahead of descriptors: where the server has no room for those, none
 * is installed. Over IP there are none, and the order differs.
 */
static size_t room_for(const struct descriptor *entry, const struct msghdr *message)
{
    size_t room = message->msg_control ? message->msg_controllen : 0;

    if (!entry || !(entry->flags & DATAGRAMS_ARE_LOCAL))
        return sizeof(union control);
    if (handlers_are_wanted())
        room = 0;
    return (room < MOST_CONTROL ? room : MOST_CONTROL) + room_of_our_own(entry);
}

static void drop(int number, int flags, const struct admission *admission)
{
    char nothing;

    admission_report(EVENT_REFUSED, admission);
    if (flags & MSG_PEEK) /* it is still there */
        kernel_recvfrom(number, &nothing, 0, MSG_DONTWAIT | MSG_TRUNC);
}

/* A look from where the server's own looks have come to would see another one (SO_PEEK_OFF). */
static ssize_t peek(int number, struct msghdr *own, int flags)
{
    int offset = -1, none = -1;
    socklen_t length = sizeof offset;
    ssize_t result;

    kernel_getsockopt(number, SOL_SOCKET, SO_PEEK_OFF, &offset, &length);
    if (offset >= 0)
        kernel_setsockopt(number, SOL_SOCKET, SO_PEEK_OFF, &none, sizeof none);
    result = libc_calls()->recvmsg(number, own, flags | MSG_PEEK);
    if (offset >= 0)
        kernel_setsockopt(number, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset);
    return result;
}

ssize_t one_datagram_look(int number, int flags)
{
    struct admission admission = {.account = {.uid = (uid_t)-1}};
    union control control;
    struct msghdr own = {
        .msg_control = &control, .msg_controllen = room_of_our_own(datagrams_find(number))};

    if (peek(number, &own, flags) < 0)
        return -1;
    identity_of_datagram(number, process.settings.stamped_netns, &own, &admission.peer);
    if (sender_judge(number, &admission))
        return 0;
    drop(number, MSG_PEEK, &admission);
    return DROPPED;
}

static void hand_over(int number, const struct msghdr *own, struct msghdr *message)
{
    const struct descriptor *entry = datagrams_find(number);
    unsigned flags = entry ? entry->flags : 0;
    struct wanted_facts wanted = {
        flags & DATAGRAMS_WANT_CREDENTIALS, (flags & DATAGRAMS_WANT_MARK) != 0};

    if (message->msg_name && message->msg_namelen > 0)
        memcpy(message->msg_name, own->msg_name,
            message->msg_namelen < own->msg_namelen ? message->msg_namelen : own->msg_namelen);
    message->msg_namelen = message->msg_name ? own->msg_namelen : 0;
    control_hand_over(own, message, &wanted);
}

static void clear(const struct iovec *parts, size_t count, size_t size)
{
    for (size_t i = 0; i < count && size > 0; i++) {
        size_t part = parts[i].iov_len < size ? parts[i].iov_len : size;

        memset(parts[i].iov_base, 0, part);
        size -= part;
    }
}

/*
 * In the process that accepts nothing stays of what a peer sent: the next handler is a copy of it.
 * What was written there is as long as `message` says, which is as it was asked for afterwards.
 */
static void wipe(const struct msghdr *asked, struct msghdr *message, size_t size)
{
    size_t name = message->msg_namelen;

    scope_discard(message); /* as cut by then: the rest is closed already */
    clear(asked->msg_iov, asked->msg_iovlen, size);
    if (asked->msg_name)
        memset(asked->msg_name, 0, name < asked->msg_namelen ? name : asked->msg_namelen);
    if (asked->msg_control)
        memset(asked->msg_control, 0, message->msg_controllen);
    *message = *asked;
}

/* To a handler of its own. Returns in it with the datagram; elsewhere that it is handed on. */
static ssize_t deliver(int number, const struct msghdr *asked, struct msghdr *message, ssize_t size,
    struct admission *admission)
{
    uint64_t signals = signals_block();
    int result = handlers_fork(number, admission, sender_begin, signals);

    if (result != 0)
        wipe(asked, message, (size_t)size);
    if (result < 0 && result != -EINTR) {
        admission->verdict = ACCOUNT_SWITCH_FAILED;
        admission->error = -result;
        admission_report(EVENT_REFUSED, admission);
    }
    signals_restore(signals);
    if (result == -EINTR)
        errno = EINTR;
    return result == 0 ? size : result == -EINTR ? -1 : HANDED_ON;
}

ssize_t one_datagram_receive(
    int number, const struct msghdr *asked, struct msghdr *message, int flags)
{
    union control control;
    struct sockaddr_storage sender = {.ss_family = AF_UNSPEC};
    struct admission admission = {.account = {.uid = (uid_t)-1}};
    struct msghdr own = *asked;
    ssize_t size;

    own.msg_name = &sender;
    own.msg_namelen = sizeof sender;
    own.msg_control = &control;
    own.msg_controllen = room_for(datagrams_find(number), asked);
    size = libc_calls()->recvmsg(number, &own, flags);
    if (size < 0)
        return -1;
    identity_of_datagram(number, process.settings.stamped_netns, &own, &admission.peer);
    if (!sender_judge(number, &admission) ||
        (!handlers_are_wanted() && !sender_serve(number, &admission))) {
        scope_discard(&own);
        drop(number, flags, &admission);
        return DROPPED;
    }
    *message = *asked;
    hand_over(number, &own, message);
    if (handlers_are_wanted())
        size = deliver(number, asked, message, size, &admission);
    if (size >= 0)
        sender_wrote_from(&sender, own.msg_namelen);
    return size;
}

/* ---- answers to the server's own questions ----------------------------------------------------
 */

/* What had come from others before the socket was connected is dropped. */
ssize_t one_datagram_answer(
    int number, struct msghdr *message, int flags, const struct sockaddr_storage *peer)
{
    const struct msghdr asked = *message;

    for (;;) {
        struct sockaddr_storage sender = {.ss_family = AF_UNSPEC};
        union control control;
        struct msghdr own = asked;
        ssize_t size;
        char nothing;

        own.msg_name = &sender;
        own.msg_namelen = sizeof sender;
        own.msg_control = &control;
        own.msg_controllen = sizeof control;
        size = libc_calls()->recvmsg(number, &own, flags);
        if (size < 0)
            return -1;
        if (datagrams_same_address(&sender, peer)) {
            *message = asked;
            hand_over(number, &own, message);
            return size;
        }
        if (flags & MSG_PEEK)
            kernel_recvfrom(number, &nothing, 0, MSG_DONTWAIT | MSG_TRUNC);
    }
}
