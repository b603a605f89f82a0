/* shadow.c: see shadow.h. */
#include "instance/shadow.h"

#include "account/channel.h"
#include "cleanup.h"
#include "kernel.h"
#include "scope/descriptors.h"
#include "scope/scope.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

struct choice {
    int level, name;
};

/* Options with one number as their value that make a difference to who asks, or to a client. */
static const struct choice numbers[] = {
    {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT},
    {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_OOBINLINE},
    {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_SOCKET, SO_PASSCRED},
    {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {IPPROTO_TCP, TCP_KEEPIDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL},
    {IPPROTO_TCP, TCP_KEEPCNT},
    {IPPROTO_TCP, TCP_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_LINGER2},
    {IPPROTO_IP, IP_TOS},
    {IPPROTO_IP, IP_TTL},
    {IPPROTO_IP, IP_FREEBIND},
    {IPPROTO_IPV6, IPV6_V6ONLY},
    {IPPROTO_IPV6, IPV6_TCLASS},
};

/* The kernel doubles what is set, and tells the double. */
static const int sizes[] = {SO_RCVBUF, SO_SNDBUF};

static void copy_option(int from, int to, int level, int name, void *value, socklen_t size)
{
    socklen_t length = size;

    if (kernel_getsockopt(from, level, name, value, &length) == 0)
        kernel_setsockopt(to, level, name, value, length);
}

static void copy_size(int from, int to, int name)
{
    int own = 0, wanted = 0;
    socklen_t length = sizeof own;

    kernel_getsockopt(to, SOL_SOCKET, name, &own, &length);
    if (kernel_getsockopt(from, SOL_SOCKET, name, &wanted, &length) < 0 || wanted == own)
        return;
    wanted /= 2;
    kernel_setsockopt(to, SOL_SOCKET, name, &wanted, length);
}

static void copy_options(int from, int to)
{
    struct linger linger;
    struct timeval timeout;
    int number;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        copy_option(from, to, numbers[i].level, numbers[i].name, &number, sizeof number);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        copy_size(from, to, sizes[i]);
    copy_option(from, to, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    copy_option(from, to, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    copy_option(from, to, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/* Takes over `descriptor`. */
static int become_shadow(struct listing *listing, int descriptor)
{
    int raised, result;

    if (descriptor < 0)
        return descriptor;
    raised = channel_raise_descriptor(descriptor);
    if (raised < 0) {
        kernel_close(descriptor);
        return raised;
    }
    result = kernel_socket_cookie(raised, &listing->shadow_cookie);
    if (result == 0)
        result = scope_add_own(raised);
    if (result < 0)
        kernel_close(raised);
    else
        listing->shadow = raised;
    return result;
}

int shadow_keep(struct listing *listing, int number)
{
    return become_shadow(listing, kernel_fcntl(number, F_DUPFD_CLOEXEC, 3));
}

int shadow_make(struct listing *listing, const struct request_socket *kind, int number)
{
    int made = kernel_socket(kind->family, kind->type, kind->protocol);

    if (made >= 0 && number >= 0)
        copy_options(number, made);
    return become_shadow(listing, made);
}

struct search {
    uint64_t cookie;
    int found;
};

static void look(int number, const struct descriptor *entry, void *context)
{
    struct search *search = context;

    if (entry->kind == DESCRIPTOR_OWN && entry->cookie == search->cookie)
        search->found = number;
}

/* It goes elsewhere when the server wants its number: then it is looked for. */
int shadow_of(struct listing *listing)
{
    struct search search = {.cookie = listing->shadow_cookie, .found = -1};

    if (kernel_is_socket(listing->shadow, listing->shadow_cookie))
        return listing->shadow;
    if (listing->shadow >= 0)
        descriptor_visit(look, &search);
    listing->shadow = search.found;
    return search.found;
}

void shadow_end(struct listing *listing)
{
    int shadow = shadow_of(listing);

    if (shadow < 0)
        return;
    descriptor_forget(shadow);
    kernel_close(shadow);
    listing->shadow = -1;
}
