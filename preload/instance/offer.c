/*
 * offer.c: the process has a listener of its own: the supervisor gets it.
 *
 * How it fails: a listener that the supervisor could not take is shut down, so that no client of
 * it is served by a process which is nobody's.
 */
#include "instance/offer.h"

#include "cleanup.h"
#include "instance/instance.h"
#include "instance/registrations.h"
#include "instance/shadow.h"
#include "instance/supervisor.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>

struct replacement {
    struct listing *listing;
    uint64_t old;
    int stand_in;
    int result;
};

static void replace(struct replacement *replacement, int number)
{
    struct registration list[REGISTRATIONS];
    unsigned count = registrations_take(number, list);
    int flags = kernel_fcntl(number, F_GETFD, 0) & FD_CLOEXEC ? O_CLOEXEC : 0;
    int result = (int)kernel_call(SYS_dup3, replacement->stand_in, number, flags, 0, 0, 0);

    if (result < 0)
        replacement->result = result;
    else
        listing_record(replacement->listing, number);
    registrations_put(number, list, count);
}

static void replace_copy(int number, const struct descriptor *entry, void *context)
{
    struct replacement *replacement = context;

    if (entry->kind != DESCRIPTOR_LISTENER && entry->kind != DESCRIPTOR_UNTOUCHED &&
        entry->kind != DESCRIPTOR_STAND_IN)
        return;
    if (kernel_is_socket(number, replacement->old))
        replace(replacement, number);
}

int stand_in_replaces(struct listing *listing, uint64_t old, int number, int stand_in)
{
    struct replacement replacement = {.listing = listing, .old = old, .stand_in = stand_in};
    uint64_t cookie;
    int result = kernel_socket_cookie(stand_in, &cookie);

    if (result < 0)
        return result;
    listing->cookie = cookie;
    replace(&replacement, number);
    descriptor_visit(replace_copy, &replacement);
    listing_publish(listing, LISTING_LISTENING);
    return replacement.result;
}

void stand_in_take_flags(int stand_in, int flags)
{
    kernel_fcntl(stand_in, F_SETFL, flags & O_NONBLOCK);
}

void listing_set(struct listing *listing, const struct stand_in *answer)
{
    listing->listener = answer->listener;
    listing->address_length = answer->address_length;
    listing->address = answer->address;
}

/* What the server asked for when it bound this socket; if nobody saw that, what it has. */
static void find_asked(int number, uint64_t cookie, struct request_socket *socket)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;

    if (listing_bound_address(cookie, &address, &length) ||
        kernel_getsockname(number, (struct sockaddr *)&address, &length) == 0)
        socket_set_address(socket, (struct sockaddr *)&address, length);
}

/* The socket options are read from `number` before it is replaced. */
static int take_place(const struct request_socket *socket, uint64_t cookie, int number,
    int stand_in, const struct stand_in *answer)
{
    struct listing *listing = listing_claim();
    int result;

    if (!listing)
        return -ENFILE;
    listing_set(listing, answer);
    shadow_make(listing, socket, number);
    result = stand_in_replaces(listing, cookie, number, stand_in);
    if (result < 0)
        shadow_end(listing);
    if (result < 0)
        listing_publish(listing, LISTING_FREE);
    return result;
}

/* 0: it is a stand-in; -EPERM: it stays; or -errno. */
static int offer(int number)
{
    struct request_socket socket = {0};
    struct stand_in answer;
    cleanup_descriptor int stand_in = -1;
    int flags = kernel_fcntl(number, F_GETFL, 0); /* the supervisor's too, from the offer on */
    uint64_t cookie;
    int result;

    if (!socket_describe(number, &socket) || kernel_socket_cookie(number, &cookie) < 0)
        return -EPERM;
    find_asked(number, cookie, &socket);
    socket.untouched = scope_passes(number);
    result = supervisor_ask(REQUEST_OFFER, &socket, number, &answer, &stand_in);
    if (result == 0 && stand_in < 0)
        result = -EPROTO;
    if (result < 0)
        return result;
    stand_in_take_flags(stand_in, flags);
    return take_place(&socket, cookie, number, stand_in, &answer);
}

int listener_hand_over(int number)
{
    struct descriptor *entry;
    int result = offer(number);

    if (result == 0)
        return 0;
    entry = descriptor_find(number);
    if (result == -EPERM && entry && entry->kind == DESCRIPTOR_LISTENER)
        entry->sealed = true; /* its own affair */
    if (result == -EPERM)
        return 0;
    kernel_call(SYS_shutdown, number, SHUT_RDWR, 0, 0, 0, 0);
    errno = -result;
    return -1;
}

int instance_listening(int number)
{
    bool stands_in_a_set = process.wrapped && registrations_tell(number);
    int result = in_instance() ? listener_hand_over(number) : 0;

    if (result == 0 && stands_in_a_set && scope_is_waited_for(number))
        instance_before_clients(true);
    return result;
}
