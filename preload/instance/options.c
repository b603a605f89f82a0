/*
 * options.c: a stand-in names itself, and has options, like the listener that it stands for.
 *
 * Before it listens, the socket that is bound to a served address has all but its name itself.
 */
#include "account/channel.h"
#include "instance/instance.h"
#include "instance/shadow.h"
#include "instance/stand_ins.h"
#include "kernel.h"
#include "libc.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

bool instance_is_stand_in(int number)
{
    return listing_of(number) != NULL;
}

/* The real call finds what is wrong with the arguments; what it wrote is replaced. */
bool instance_getsockname(int number, struct sockaddr *address, socklen_t *length, int *result)
{
    const struct listing *listing = listing_of(number);
    socklen_t room;

    if (!listing)
        return false;
    room = length ? *length : 0;
    *result = libc_calls()->getsockname(number, address, length);
    if (*result < 0)
        return true;
    memcpy(address, &listing->address,
        room < listing->address_length ? room : listing->address_length);
    *length = listing->address_length;
    return true;
}

static void put_number(void *value, const socklen_t *length, int number)
{
    memcpy(value, &number, *length < sizeof number ? *length : sizeof number);
}

/* Which socket has the options of a stand-in that listens: its shadow, or itself. -1: it is none.
 */
static int holder_of_options(int number, struct listing *listing)
{
    int shadow;

    if (!listing || listing_state(listing) != LISTING_LISTENING)
        return -1;
    shadow = shadow_of(listing);
    return shadow >= 0 ? shadow : number;
}

bool instance_getsockopt(
    int number, int level, int option, void *value, socklen_t *length, int *result)
{
    int holder = holder_of_options(number, listing_of(number));

    if (holder < 0)
        return false;
    *result = libc_calls()->getsockopt(holder, level, option, value, length);
    if (*result < 0)
        return true;
    if (level == SOL_SOCKET && option == SO_ACCEPTCONN)
        put_number(value, length, 1);
    else if (level == IPPROTO_TCP && option == TCP_INFO && *length > 0)
        ((struct tcp_info *)value)->tcpi_state = TCP_LISTEN;
    return true;
}

/* Do accepted connections inherit it? */
static bool is_for_listener(int level, int option)
{
    static const int inherited[] = {SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_RCVBUF, SO_SNDBUF,
        SO_RCVLOWAT, SO_PRIORITY, SO_BUSY_POLL, SO_INCOMING_CPU};

    if (level != SOL_SOCKET)
        return level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
    for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++)
        if (option == inherited[i])
            return true;
    return false;
}

static void tell_supervisor(
    const struct listing *listing, int level, int option, const void *value, socklen_t length)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_OPTION,
        .socket.listener = listing->listener,
        .option = {.level = level, .name = option, .size = length}};

    if (length > sizeof request.option.value)
        return;
    memcpy(request.option.value, value, length);
    channel_report(&request);
}

/* How long an accept waits, and what a select(2) for it sees, is the stand-in's own. */
static bool is_for_stand_in(int level, int option)
{
    return level == SOL_SOCKET &&
           (option == SO_RCVTIMEO || option == SO_SNDTIMEO || option == SO_RCVLOWAT);
}

bool instance_setsockopt(
    int number, int level, int option, const void *value, socklen_t length, int *result)
{
    struct listing *listing = listing_of(number);
    int holder = holder_of_options(number, listing);

    if (holder < 0)
        return false;
    *result = libc_calls()->setsockopt(holder, level, option, value, length);
    if (*result < 0)
        return true;
    if (is_for_stand_in(level, option))
        kernel_setsockopt(number, level, option, value, length);
    if (is_for_listener(level, option))
        tell_supervisor(listing, level, option, value, length);
    return true;
}
