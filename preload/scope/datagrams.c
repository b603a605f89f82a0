/*
 * datagrams.c: which sockets bring datagrams of peers, and what the server set on them.
 *
 * Invariant: a datagram socket that the server bound is served: each message on it says who sent
 * it, by an option that is ours and not to be seen. One that the server connected before it
 * received anything is its own client: only that one address can send to it, and what comes is its
 * own affair, like the answer on a connection that it made.
 *
 * What it does with a message stands in receive_datagram.c.
 */
#include "scope/datagrams.h"

#include "account/channel.h"
#include "kernel.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <string.h>

enum { MOST_BEFORE = 1024 }; /* messages that wait in a socket when it is connected */

static unsigned char flag_of(int option)
{
    return option == SO_PASSCRED ? DATAGRAMS_WANT_CREDENTIALS : DATAGRAMS_WANT_MARK;
}

struct descriptor *datagrams_find(int number)
{
    struct descriptor *entry = process.wrapped ? descriptor_find(number) : NULL;

    return entry && entry->kind == DESCRIPTOR_DATAGRAMS ? entry : NULL;
}

/* An option is the socket's, whatever number it has. */
struct change {
    uint64_t cookie;
    uint8_t flag;
    bool on;
};

static void change_one(int number, const struct descriptor *entry, void *context)
{
    const struct change *change = context;
    struct descriptor *live = datagrams_find(number);

    if (!live || entry->cookie != change->cookie)
        return;
    if (change->on)
        live->flags |= change->flag;
    else
        live->flags &= (uint8_t)~change->flag;
}

static void change_all(const struct descriptor *entry, uint8_t flag, bool on)
{
    struct change change = {entry->cookie, flag, on};

    descriptor_visit(change_one, &change);
}

bool scope_set_option(int number, int level, int option, const void *value, socklen_t length)
{
    struct descriptor *entry =
        identity_is_datagram_option(level, option) ? datagrams_find(number) : NULL;
    int on = 0;

    if (!entry || !value || length < sizeof on)
        return false;
    memcpy(&on, value, sizeof on);
    change_all(entry, flag_of(option), on != 0);
    return true;
}

bool scope_get_option(int number, int level, int option, void *value, socklen_t *length)
{
    const struct descriptor *entry =
        identity_is_datagram_option(level, option) ? datagrams_find(number) : NULL;
    int on;

    if (!entry || !value || !length)
        return false;
    on = (entry->flags & flag_of(option)) != 0;
    if (*length > sizeof on)
        *length = sizeof on;
    memcpy(value, &on, *length);
    return true;
}

static bool is_on(int number, int option)
{
    int on = 0;
    socklen_t length = sizeof on;

    return kernel_getsockopt(number, SOL_SOCKET, option, &on, &length) == 0 && on;
}

/* What the server had asked for before the socket was served. */
static uint8_t wanted_before(int number)
{
    return (is_on(number, SO_PASSCRED) ? DATAGRAMS_WANT_CREDENTIALS : 0) |
           (is_on(number, SO_RCVMARK) ? DATAGRAMS_WANT_MARK : 0);
}

/* Bound, or bound when it came: from now on its messages say who sent them. */
void scope_bound(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_DATAGRAMS};
    const struct descriptor *known = datagrams_find(number);
    socklen_t length = sizeof(int);
    int type = 0, family = 0;

    if (!process.wrapped || process.sealed || (known && descriptor_is_current(number, known)) ||
        kernel_getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
        kernel_getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        return;
    if (type != SOCK_DGRAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        return;
    entry.flags = wanted_before(number) | (family == AF_UNIX ? DATAGRAMS_ARE_LOCAL : 0);
    kernel_socket_cookie(number, &entry.cookie);
    descriptor_record(number, &entry);
    identity_prepare_datagrams(number, process.settings.stamped_netns);
}

void datagrams_note_received(struct descriptor *entry)
{
    if (!(entry->flags & DATAGRAMS_WERE_RECEIVED))
        change_all(entry, DATAGRAMS_WERE_RECEIVED, true);
}

/* What had come before the socket was connected may be anybody's. */
static void empty(int number)
{
    char nothing;

    for (int i = 0; i < MOST_BEFORE; i++)
        if (kernel_recvfrom(number, &nothing, 0, MSG_DONTWAIT | MSG_TRUNC) < 0)
            return;
}

static void forget_one(int number, const struct descriptor *entry, void *context)
{
    if (entry->kind == DESCRIPTOR_DATAGRAMS && entry->cookie == *(const uint64_t *)context)
        descriptor_forget(number);
}

void scope_connected(int number, const struct sockaddr *address)
{
    const struct descriptor *entry = datagrams_find(number);
    uint64_t cookie = entry ? entry->cookie : 0;
    int off = 0;

    if (!entry || !address || address->sa_family == AF_UNSPEC ||
        entry->flags & DATAGRAMS_WERE_RECEIVED || !descriptor_is_current(number, entry))
        return;
    if (!(entry->flags & DATAGRAMS_WANT_CREDENTIALS))
        kernel_setsockopt(number, SOL_SOCKET, SO_PASSCRED, &off, sizeof off);
    if (!(entry->flags & DATAGRAMS_WANT_MARK))
        kernel_setsockopt(number, SOL_SOCKET, SO_RCVMARK, &off, sizeof off);
    descriptor_visit(forget_one, &cookie);
    scope_made_socket(number);
    empty(number);
}

static void report_denied(const char *call)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_CALL_DENIED,
        .account_uid = (uid_t)-1};

    memcpy(request.detail, call, strnlen(call, sizeof request.detail - 1));
    channel_report(&request);
}

bool scope_denies_datagrams(int number, const char *call)
{
    if (!datagrams_find(number))
        return false;
    report_denied(call);
    return true;
}
