/*
 * bind.c: bind(2) and listen(2) where the address may be one that the supervisor serves.
 *
 * Such a socket is never bound. It remains what it is, and is the shadow of the stand-in that takes
 * its number when it listens.
 */
#include "cleanup.h"
#include "instance/instance.h"
#include "instance/offer.h"
#include "instance/shadow.h"
#include "instance/stand_ins.h"
#include "instance/supervisor.h"
#include "scope/descriptors.h"
#include "scope/thread.h"

#include <errno.h>

/* What the hooks return: 0, or -1 with errno. */
static bool answer_with(int error, int *result)
{
    if (error < 0)
        errno = -error;
    *result = error < 0 ? -1 : 0;
    return true;
}

static int serve_address(int number, const struct stand_in *answer)
{
    struct listing *listing = listing_claim();
    int result;

    if (!listing)
        return -ENFILE;
    listing_set(listing, answer);
    result = kernel_socket_cookie(number, &listing->cookie);
    if (result == 0)
        result = listing_record(listing, number);
    listing_publish(listing, result == 0 ? LISTING_SERVED : LISTING_FREE);
    return result;
}

bool instance_bind(int number, const struct sockaddr *address, socklen_t length, int *result)
{
    struct request_socket socket = {0};
    struct stand_in answer;
    int error;

    if (!in_instance())
        return false;
    if (listing_of(number))
        return answer_with(-EINVAL, result);
    if (!socket_describe(number, &socket) || !socket_set_address(&socket, address, length))
        return false;
    kernel_socket_cookie(number, &socket.cookie);
    error = supervisor_ask(REQUEST_BIND, &socket, -1, &answer, NULL);
    if (error == -ENOENT)
        return false;
    return answer_with(error == 0 ? serve_address(number, &answer) : error, result);
}

void instance_bound(int number, const struct sockaddr *address, socklen_t length)
{
    struct request_socket socket = {0};
    struct listing *listing;

    if (process.settings.isolation == ISOLATION_SCOPES || process.sealed)
        return;
    if (!socket_describe(number, &socket) || !socket_set_address(&socket, address, length))
        return;
    listing = listing_claim();
    if (!listing)
        return; /* then getsockname(2) has to do */
    listing->listener = 0;
    listing->number = number;
    listing->address = socket.address;
    listing->address_length = socket.address_length;
    listing_publish(listing,
        kernel_socket_cookie(number, &listing->cookie) == 0 ? LISTING_BOUND : LISTING_FREE);
}

/* The stand-in comes, and the socket that was to listen steps behind it. */
static int begin_listening(int number, struct listing *listing)
{
    struct request_socket socket = {.listener = listing->listener};
    uint64_t own = listing->cookie;
    struct stand_in answer;
    cleanup_descriptor int stand_in = -1;
    int result = supervisor_ask(REQUEST_LISTEN, &socket, -1, &answer, &stand_in);

    if (result == 0 && stand_in < 0)
        result = -EPROTO;
    if (result == 0)
        result = shadow_keep(listing, number);
    if (result < 0)
        return result;
    stand_in_take_flags(stand_in, kernel_fcntl(number, F_GETFL, 0));
    result = stand_in_replaces(listing, own, number, stand_in);
    if (result < 0) {
        shadow_end(listing);
        listing->cookie = own;
        listing_publish(listing, LISTING_SERVED);
    }
    return result;
}

bool instance_listen(int number, int backlog, int *result)
{
    struct listing *listing = listing_of(number);

    (void)backlog; /* the listener's is the supervisor's */
    if (!listing)
        return false;
    if (listing_state(listing) == LISTING_LISTENING)
        return answer_with(0, result);
    return answer_with(begin_listening(number, listing), result);
}
