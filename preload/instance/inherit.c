/* inherit.c: listeners and stand-ins that come by exec or in a message. */
#include "instance/instance.h"

#include "account/channel.h"
#include "cleanup.h"
#include "instance/offer.h"
#include "instance/shadow.h"
#include "instance/stand_ins.h"
#include "instance/supervisor.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <string.h>

enum { INHERITED = 64 }; /* as in scope/passed.c */

/* The supervisor knows its stand-ins by their cookies. */
static void look_up(int number, const struct request_socket *known)
{
    struct request_socket socket = *known;
    struct stand_in answer;
    struct listing *listing;

    if (kernel_socket_cookie(number, &socket.cookie) < 0 ||
        supervisor_ask(REQUEST_WHICH, &socket, -1, &answer, NULL) < 0)
        return;
    listing = listing_claim();
    if (!listing)
        return;
    listing->cookie = socket.cookie;
    listing_set(listing, &answer);
    socket.family = answer.family;
    socket.type = answer.type;
    socket.protocol = answer.protocol;
    shadow_make(listing, &socket, -1);
    listing_publish(
        listing, listing_record(listing, number) == 0 ? LISTING_LISTENING : LISTING_FREE);
}

static void take(int number)
{
    struct request_socket socket = {0};
    socklen_t length = sizeof(int);
    int listens = 0;

    if (scope_owns(number) || listing_of(number) || !socket_describe(number, &socket))
        return;
    kernel_getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
    if (listens) {
        scope_listening(number);
        instance_listening(number);
    } else if (socket.family == AF_UNIX && socket.type == SOCK_SEQPACKET) {
        look_up(number, &socket);
    }
}

void instance_start(void)
{
    if (!in_instance())
        return;
    for (int number = 0; number < INHERITED; number++)
        take(number);
}

void instance_passed(const struct msghdr *message)
{
    if (!in_instance() || !message->msg_control || message->msg_controllen == 0)
        return;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c;
         c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int number;

            memcpy(&number, CMSG_DATA(c) + i * sizeof number, sizeof number);
            descriptor_forget(number); /* whatever had the number is gone */
            take(number);
        }
    }
}
