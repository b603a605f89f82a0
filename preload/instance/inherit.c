/* inherit.c: listeners and stand-ins that come by exec or in a message. */
#include "instance/instance.h"

#include "account/channel.h"
#include "cleanup.h"
#include "instance/offer.h"
#include "instance/shadow.h"
#include "instance/stand_ins.h"
#include "instance/supervisor.h"
#include "scope/inherited.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>

/*
 * The supervisor knows its stand-ins by their cookies, and so it does what was bound to a served
 * address and was handed on before it listened.
 */
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
    if (answer.listens)
        shadow_make(listing, &socket, -1);
    if (listing_record(listing, number) < 0)
        listing_publish(listing, LISTING_FREE);
    else
        listing_publish(listing, answer.listens ? LISTING_LISTENING : LISTING_SERVED);
}

/* Neither bound nor connected, as far as the kernel knows. */
static bool has_no_name(int number, sa_family_t family)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;

    if (kernel_getpeername(number, (struct sockaddr *)&address, &length) != -ENOTCONN)
        return false;
    length = sizeof address;
    if (kernel_getsockname(number, (struct sockaddr *)&address, &length) < 0)
        return false;
    if (family == AF_UNIX)
        return length <= sizeof(sa_family_t);
    return ((struct sockaddr_in *)&address)->sin_port == 0; /* where sin6_port is, too */
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
        listener_hand_over(number);
    } else if ((socket.family == AF_UNIX && socket.type == SOCK_SEQPACKET) ||
               has_no_name(number, (sa_family_t)socket.family)) {
        look_up(number, &socket);
    }
}

static void take_inherited(int number, void *context)
{
    (void)context;
    take(number);
}

void instance_start(void)
{
    if (!in_instance())
        return;
    inherited_visit(take_inherited, NULL);
}

static bool take_passed(int number)
{
    descriptor_forget(number); /* whatever had the number is gone */
    take(number);
    return true;
}

void instance_passed(const struct msghdr *message)
{
    if (in_instance())
        scope_visit_passed(message, take_passed);
}
