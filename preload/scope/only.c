/* only.c: see only.h. */
#include "scope/only.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "identity/endpoint.h"
#include "kernel.h"
#include "libc.h"
#include "scope/thread.h"
#include "scope/turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ---- names ------------------------------------------------------------------------------------
 */

/* A socket's own end. */
struct own {
    struct identity_endpoint end;
    bool only_v6;
    struct sockaddr_un local; /* AF_UNIX */
    size_t path_length;
    uint32_t file; /* sum_of() what had its name when it was recorded, or 0 */
};

static bool read_own(int number, struct own *own)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    const struct descriptor *known = descriptor_find(number);
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    socklen_t length = sizeof address, size = sizeof(int);
    uint32_t scope;
    int only_v6 = 0;

    *own = (struct own){.path_length = 0};
    if (kernel_getsockname(number, (struct sockaddr *)&address, &length) < 0 ||
        endpoint_of_address(&address, &own->end, &scope) < 0)
        return false;
    if (address.ss_family == AF_INET6)
        kernel_getsockopt(number, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size);
    own->only_v6 = only_v6;
    if (address.ss_family != AF_UNIX || length <= head)
        return true;
    if (known && known->kind == DESCRIPTOR_UNTOUCHED && descriptor_is_current(number, known))
        own->file = known->serial;
    memcpy(&own->local, &address, length < sizeof own->local ? length : sizeof own->local);
    own->path_length = length - head;
    if (own->local.sun_path[0] != '\0')
        own->path_length = strnlen(own->local.sun_path, own->path_length);
    return true;
}

static bool is_wildcard(const struct identity_endpoint *end)
{
    const uint32_t *words = end->address.s6_addr32;

    return words[3] == 0 && (end->family == AF_INET || (!words[0] && !words[1] && !words[2]));
}

static bool names_ip(const struct identity_endpoint *name, const struct own *own)
{
    const struct identity_endpoint *end = &own->end;

    if (end->port != name->port || (end->family != AF_INET && end->family != AF_INET6))
        return false;
    if (name->family == AF_UNSPEC)
        return true;
    if (name->family != end->family) /* an IPv4 client may come by a socket of IPv6 */
        return name->family == AF_INET && is_wildcard(end) && !own->only_v6;
    return is_wildcard(name) || is_wildcard(end) ||
           IN6_ARE_ADDR_EQUAL(&name->address, &end->address);
}

static int status_of(const char *path, size_t length, struct stat *status)
{
    char text[sizeof(struct sockaddr_un)];

    memcpy(text, path, length);
    text[length] = '\0';
    return (int)kernel_call(SYS_newfstatat, AT_FDCWD, (long)text, (long)status, 0, 0, 0);
}

/* Tells one file from another in as much room as an entry of the table has; never 0. */
static uint32_t sum_of(const struct stat *status)
{
    uint32_t sum = (uint32_t)(status->st_ino ^ status->st_ino >> 32 ^ status->st_dev << 16);

    return sum ? sum : 1;
}

/*
 * A server may have bound it by another of its names: a relative one, or through a link. If that
 * name is not to be found (any more), or is another file's by now, it may be the one: it is taken
 * for it, and its clients are asked for.
 */
static bool names_path(const struct only_name *name, const struct own *own)
{
    struct stat named, bound;

    if (own->end.family != AF_UNIX || own->path_length == 0)
        return false;
    if (name->path_length == own->path_length &&
        memcmp(name->path, own->local.sun_path, own->path_length) == 0)
        return true;
    if (!name->path[0] || !own->local.sun_path[0])
        return false;
    if (status_of(own->local.sun_path, own->path_length, &bound) < 0 ||
        (own->file && own->file != sum_of(&bound)))
        return true;
    return status_of(name->path, name->path_length, &named) == 0 && named.st_dev == bound.st_dev &&
           named.st_ino == bound.st_ino;
}

static bool is_somebodys(void)
{
    return process.sealed || (process.instance && credentials_is_sealed_from_outside());
}

/* Which of --only names it? -1: none. */
static int find_name(const struct own *own)
{
    for (uint32_t i = 0; i < process.settings.only_count && i < ONLY_MOST; i++) {
        const struct only_name *name = &process.settings.only[i];

        if (name->end.family == AF_UNIX ? names_path(name, own) : names_ip(&name->end, own))
            return (int)i;
    }
    return -1;
}

/* Which address its listener was bound to, a connection does not tell: the port does. */
bool only_names(int number)
{
    struct own own;

    if (process.settings.only_count == 0 || is_somebodys() || !read_own(number, &own))
        return true;
    if (own.end.family == AF_INET || own.end.family == AF_INET6)
        own.end.address = (struct in6_addr){0};
    return find_name(&own) >= 0;
}

/* ---- sockets by which clients come ------------------------------------------------------------
 */

static void describe(const struct own *own, char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN] = "";
    const char *path = own->local.sun_path;

    if (own->end.family == AF_UNIX) {
        bool is_abstract = own->path_length > 0 && path[0] == '\0';

        snprintf(text, size, "%s%.*s", is_abstract ? "@" : "", (int)own->path_length - is_abstract,
            path + is_abstract);
    } else if (own->end.family == AF_INET) {
        inet_ntop(AF_INET, &own->end.address.s6_addr[12], address, sizeof address);
        snprintf(text, size, "%s:%u", address, own->end.port);
    } else {
        inet_ntop(AF_INET6, &own->end.address, address, sizeof address);
        snprintf(text, size, "[%s]:%u", address, own->end.port);
    }
}

/* Once for each name: at its end the resolver tells which had no socket. */
static void report_named(int name)
{
    static uint32_t reported;
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_NAMED,
        .error = name,
        .account_uid = (uid_t)-1};

    if (!(__atomic_fetch_or(&reported, UINT32_C(1) << name, __ATOMIC_RELAXED) >> name & 1))
        channel_report(&request);
}

/* Said of each: a name that was misspelt would leave the server as it is without us. */
static void report(const struct own *own)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_UNTOUCHED,
        .account_uid = (uid_t)-1};

    describe(own, request.detail, sizeof request.detail);
    channel_report(&request);
}

bool only_took(int number)
{
    struct descriptor entry = {
        .kind = DESCRIPTOR_UNTOUCHED, .uid = (uid_t)-1, .account_uid = (uid_t)-1};
    struct stat status;
    struct own own;
    int name;

    if (process.settings.only_count == 0 || is_somebodys() || thread_in_scope() ||
        !read_own(number, &own))
        return false;
    name = find_name(&own);
    if (name >= 0) {
        report_named(name);
        return false;
    }
    if (kernel_socket_cookie(number, &entry.cookie) < 0)
        return false;
    if (own.path_length > 0 && own.local.sun_path[0]) {
        entry.flags = UNTOUCHED_BY_PATH;
        if (status_of(own.local.sun_path, own.path_length, &status) == 0)
            entry.serial = sum_of(&status);
    }
    if (descriptor_record(number, &entry) < 0)
        return false;
    report(&own);
    return true;
}

static bool listens(int number)
{
    int value = 0;
    socklen_t length = sizeof value;

    return kernel_getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value;
}

/*
 * Has it another name by now, which may be one of --only's? Where its own cannot be looked at, as
 * at ground, it is as it was.
 */
static bool was_renamed(int number, const struct descriptor *entry)
{
    struct stat status;
    struct own own;
    int result;

    if (!(entry->flags & UNTOUCHED_BY_PATH) || !read_own(number, &own))
        return false;
    result = status_of(own.local.sun_path, own.path_length, &status);
    return (result == 0 || result == -ENOENT) && find_name(&own) >= 0;
}

/* What is recorded is what it is now. */
static void look_again(int number)
{
    if (listens(number))
        scope_listening(number);
    else if (descriptor_find(number))
        scope_bound(number);
}

bool scope_passes(int number)
{
    const struct descriptor *entry;

    if (__builtin_expect(process.settings.only_count == 0, true) || !process.wrapped ||
        is_somebodys())
        return false;
    entry = descriptor_find(number);
    if (entry && entry->kind != DESCRIPTOR_UNTOUCHED)
        return false;
    if (entry && descriptor_is_current(number, entry) && !was_renamed(number, entry))
        return true;
    look_again(number);
    entry = descriptor_find(number);
    return entry && entry->kind == DESCRIPTOR_UNTOUCHED;
}

/* ---- connections ------------------------------------------------------------------------------
 */

int only_record(int connection)
{
    struct descriptor entry = {.kind = DESCRIPTOR_CONNECTION,
        .uid = (uid_t)-1,
        .account_uid = (uid_t)-1,
        .flags = CONNECTION_UNTOUCHED};
    int result = kernel_socket_cookie(connection, &entry.cookie);

    return result < 0 ? result : descriptor_record(connection, &entry);
}

/* From now on the thread may go on with it, and read it in ways that we do not see. */
static int remember(int connection)
{
    const struct descriptor *entry;
    int result;

    if (!process.scopes) {
        descriptor_forget(connection);
        return connection;
    }
    result = only_record(connection);
    if (result < 0) {
        kernel_close(connection);
        errno = -result;
        return -1;
    }
    entry = descriptor_find(connection);
    thread_state.pending_number = connection;
    thread_state.pending_cookie = entry ? entry->cookie : 0;
    return connection;
}

int only_accept(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    int saved_errno = errno, connection;

    thread_end_scope();
    do
        connection = libc_calls()->accept4(listener, address, length, flags);
    while (scope_wait_again(connection));
    if (connection >= 0)
        connection = remember(connection);
    if (connection >= 0)
        errno = saved_errno;
    return connection;
}

/* Who is one account's for good is not to have what is meant for the server, nor to answer it. */
bool only_may_read(struct reading *reading)
{
    char nothing;

    if (!is_somebodys())
        return true;
    if (!kernel_is_socket(reading->number, reading->cookie)) {
        *reading = (struct reading){.number = reading->number};
        return true;
    }
    if (reading->kind == DESCRIPTOR_UNTOUCHED && turn_before_call(true) < 0) {
        errno = EINTR;
    } else if (process.instance) { /* dropped, or who waits for it would be woken for ever */
        kernel_recvfrom(reading->number, &nothing, sizeof nothing, MSG_DONTWAIT | MSG_TRUNC);
        errno = EAGAIN;
    } else {
        errno = EACCES;
    }
    return false;
}
