/*
 * datagrams.c: which sockets bring datagrams of peers, and what the server set on them.
 *
 * Invariant: a datagram socket that the server bound is served: each message on it says who sent
 * it, by an option that is ours and not to be seen. One that the server connected over IP outside
 * of any scope, before it received anything, is its own client while it is connected: what comes
 * from that one address is its own affair, like the answer on a connection that it made.
 *
 * One that has its address from the kernel is served like one that was bound where a client's
 * datagrams are to come by it: once the server, working for a client, sends to where a datagram of
 * his came from, or asks for the socket's name, as who tells it to others does. A question of the
 * server's own, to the name service, say, does neither.
 *
 * What is done with a message stands in receive_datagram.c and one_datagram.c.
 */
#include "scope/datagrams.h"

#include "account/channel.h"
#include "identity/endpoint.h"
#include "kernel.h"
#include "libc.h"
#include "scope/only.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* glibc's _IO_NO_READS: reads by stdio(3) pass no hook, and fail with EBADF then. */
enum { STDIO_MAY_NOT_READ = 4 };

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

/*
 * A time comes ahead of what tells who sent a message, and takes room; one that comes always: room
 * that it does not take would be a descriptor's.
 */
static bool is_time(int option)
{
    return option == SO_TIMESTAMP_OLD || option == SO_TIMESTAMPNS_OLD ||
           option == SO_TIMESTAMP_NEW || option == SO_TIMESTAMPNS_NEW;
}

bool scope_set_option(int number, int level, int option, const void *value, socklen_t length)
{
    bool is_ours = identity_is_datagram_option(level, option);
    bool is_times = level == SOL_SOCKET && is_time(option);
    struct descriptor *entry = is_ours || is_times ? datagrams_find(number) : NULL;
    int on = 0;

    if (!entry || !value || length < sizeof on)
        return false;
    memcpy(&on, value, sizeof on);
    change_all(entry, is_times ? DATAGRAMS_TELL_TIME : flag_of(option), on != 0);
    return is_ours;
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
    bool time = is_on(number, SO_TIMESTAMP_OLD) || is_on(number, SO_TIMESTAMPNS_OLD) ||
                is_on(number, SO_TIMESTAMP_NEW) || is_on(number, SO_TIMESTAMPNS_NEW);

    return (is_on(number, SO_PASSCRED) ? DATAGRAMS_WANT_CREDENTIALS : 0) |
           (is_on(number, SO_RCVMARK) ? DATAGRAMS_WANT_MARK : 0) | (time ? DATAGRAMS_TELL_TIME : 0);
}

/* Standard input is read by stdio(3), too, whatever its number was before. */
void datagrams_guard_stdin(void)
{
    static bool guarded;
    const struct descriptor *entry = datagrams_find(STDIN_FILENO);
    bool wanted = entry && process.admits && descriptor_is_current(STDIN_FILENO, entry);

    if (wanted == guarded)
        return;
    guarded = wanted;
    if (wanted)
        stdin->_flags |= STDIO_MAY_NOT_READ;
    else
        stdin->_flags &= ~STDIO_MAY_NOT_READ;
}

static int number_of(int number, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    return kernel_getsockopt(number, SOL_SOCKET, option, &value, &length) < 0 ? -1 : value;
}

/* Bound, or bound when it came: from now on its messages say who sent them. */
int scope_bound(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_DATAGRAMS, .sealed = process.sealed};
    const struct descriptor *known = datagrams_find(number);
    int result, family = process.wrapped ? number_of(number, SO_DOMAIN) : -1;

    if ((family != AF_INET && family != AF_INET6 && family != AF_UNIX) ||
        number_of(number, SO_TYPE) != SOCK_DGRAM || (known && descriptor_is_current(number, known)))
        return 0;
    if (only_took(number))
        return 0;
    entry.flags = wanted_before(number) | (family == AF_UNIX ? DATAGRAMS_ARE_LOCAL : 0);
    kernel_socket_cookie(number, &entry.cookie);
    result = descriptor_record(number, &entry);
    if (result < 0)
        return result;
    identity_prepare_datagrams(number, process.settings.stamped_netns);
    datagrams_guard_stdin();
    return 0;
}

void datagrams_note_received(struct descriptor *entry)
{
    if (!(entry->flags & DATAGRAMS_WERE_RECEIVED))
        change_all(entry, DATAGRAMS_WERE_RECEIVED, true);
}

/* Whose datagram is it that the calling thread works on? */
static const struct sender *sender_now(void)
{
    if (process.sealed)
        return &process.sealed_for;
    return thread_in_scope() ? &thread_state.sender : NULL;
}

bool datagrams_same_address(
    const struct sockaddr_storage *one, const struct sockaddr_storage *other)
{
    struct identity_endpoint ends[2];
    uint32_t scopes[2];

    return endpoint_of_address(one, &ends[0], &scopes[0]) == 0 &&
           endpoint_of_address(other, &ends[1], &scopes[1]) == 0 &&
           endpoint_equal(&ends[0], &ends[1]);
}

static bool came_from(const struct sender *sender, const void *address, socklen_t length)
{
    struct sockaddr_storage to = {.ss_family = AF_UNSPEC};

    if (length > sizeof to)
        return false;
    memcpy(&to, address, length);
    if (to.ss_family == AF_UNIX)
        return length == sender->from_length && memcmp(&to, &sender->from, length) == 0;
    return datagrams_same_address(&to, &sender->from);
}

int scope_sends_to(int number, const void *address, socklen_t length)
{
    const struct sender *sender = process.wrapped ? sender_now() : NULL;

    if (!sender || sender->from_length == 0 || !address || datagrams_find(number) ||
        !came_from(sender, address, length))
        return 0;
    return scope_bound(number);
}

static bool is_connected(int number)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    return kernel_getpeername(number, (struct sockaddr *)&peer, &length) == 0;
}

int scope_told_name(int number, const struct sockaddr *name, socklen_t length)
{
    if (!process.wrapped || (!process.sealed && !thread_in_scope()) || !name ||
        length <= sizeof name->sa_family || datagrams_find(number) ||
        ((name->sa_family == AF_INET || name->sa_family == AF_INET6) &&
            ((const struct sockaddr_in *)(const void *)name)->sin_port == 0) ||
        is_connected(number))
        return 0;
    return scope_bound(number);
}

bool scope_may_connect(int number)
{
    const struct descriptor *entry = process.is_handler ? datagrams_find(number) : NULL;

    return !entry || entry->sealed;
}

void scope_connected(int number)
{
    const struct descriptor *entry = datagrams_find(number);

    if (!entry || process.sealed || thread_in_scope() ||
        entry->flags & (DATAGRAMS_WERE_RECEIVED | DATAGRAMS_ARE_LOCAL) ||
        !descriptor_is_current(number, entry))
        return;
    change_all(entry, DATAGRAMS_ARE_ANSWERS, true);
}

bool datagrams_is_own_client(int number, struct sockaddr_storage *peer)
{
    const struct descriptor *entry = datagrams_find(number);
    socklen_t length = sizeof *peer;

    *peer = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    return entry && entry->flags & DATAGRAMS_ARE_ANSWERS &&
           kernel_getpeername(number, (struct sockaddr *)peer, &length) == 0;
}

static bool deny(const char *call)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_CALL_DENIED,
        .account_uid = (uid_t)-1};

    memcpy(request.detail, call, strnlen(call, sizeof request.detail - 1));
    channel_report(&request);
    return process.settings.mode != PROTECT_OBSERVE;
}

bool scope_denies_datagrams(int number, const char *call)
{
    return datagrams_find(number) && deny(call);
}

bool scope_denies_stdio(int number)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    if (datagrams_find(number))
        return deny("fdopen(3)");
    return process.admits && number_of(number, SO_TYPE) == SOCK_DGRAM &&
           kernel_getpeername(number, (struct sockaddr *)&peer, &length) < 0 && deny("fdopen(3)");
}
