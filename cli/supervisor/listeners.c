#include "listeners.h"

#include "cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int option(int socket, int level, int name, int *value)
{
    socklen_t length = sizeof *value;

    return kernel_getsockopt(socket, level, name, value, &length);
}

/* What it is, by the kernel's word; what was asked for is the instance's word. */
static int learn(struct listener *listener, int socket)
{
    struct stand_in *facts = &listener->facts;
    socklen_t length = sizeof facts->address;
    int accepts = 0, only_v6 = 0, shared = 0;
    int error = option(socket, SOL_SOCKET, SO_ACCEPTCONN, &accepts);

    if (error == 0)
        error = option(socket, SOL_SOCKET, SO_DOMAIN, &facts->family);
    if (error == 0)
        error = option(socket, SOL_SOCKET, SO_TYPE, &facts->type);
    if (error == 0)
        error = option(socket, SOL_SOCKET, SO_PROTOCOL, &facts->protocol);
    if (error == 0)
        error = kernel_getsockname(socket, (struct sockaddr *)&facts->address, &length);
    if (error < 0)
        return error;
    if (!accepts || facts->type == SOCK_DGRAM)
        return -EINVAL;
    if (facts->family == AF_INET6)
        option(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6);
    option(socket, SOL_SOCKET, SO_REUSEPORT, &shared);
    facts->magic = PROTOCOL_MAGIC;
    facts->address_length = length;
    listener->asked.family = facts->family;
    listener->asked.type = facts->type;
    listener->asked.only_v6 = only_v6;
    listener->asked.shared = shared;
    return 0;
}

/* The path, NULL for every other address. It is NUL-terminated where the kernel says so, or not. */
static const char *path_of(const struct listener *listener, char path[sizeof(struct sockaddr_un)])
{
    const struct sockaddr_un *address = (const struct sockaddr_un *)&listener->facts.address;
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t length = listener->facts.address_length;

    if (listener->facts.family != AF_UNIX || length <= head || address->sun_path[0] != '/')
        return NULL;
    length = length - head < sizeof address->sun_path ? length - head : sizeof address->sun_path;
    memcpy(path, address->sun_path, length);
    path[length] = '\0';
    return path;
}

static void remember_path(struct listener *listener)
{
    char space[sizeof(struct sockaddr_un)];
    const char *path = path_of(listener, space);
    struct stat status;

    if (path && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        listener->device = status.st_dev;
        listener->inode = status.st_ino;
    }
}

static void ready(void *context, uint32_t events)
{
    struct listener *listener = context;

    (void)events;
    listener->owner->accept(listener->owner->context, listener);
}

static int add(struct listeners *listeners, struct listener *listener, int socket)
{
    struct listener **list =
        reallocarray(listeners->list, listeners->count + 1, sizeof listeners->list[0]);
    int error;

    if (!list)
        return -ENOMEM;
    listeners->list = list;
    listener->owner = listeners;
    if (listener->asked.untouched) {
        listener->source = (struct source){.descriptor = -1};
        list[listeners->count++] = listener;
        return 0;
    }
    if (kernel_fcntl(socket, F_SETFL, kernel_fcntl(socket, F_GETFL, 0) | O_NONBLOCK) < 0)
        return -EINVAL;
    listener->source = (struct source){.descriptor = socket,
        .events = listeners->paused ? 0 : EPOLLIN,
        .ready = ready,
        .context = listener};
    error = loop_add(listeners->loop, &listener->source);
    if (error == 0)
        list[listeners->count++] = listener;
    return error;
}

static bool is_asked(const struct listener *listener, const struct request_socket *asked)
{
    const struct request_socket *own = &listener->asked;

    return own->family == asked->family && own->type == asked->type &&
           own->only_v6 == asked->only_v6 && own->address_length == asked->address_length &&
           asked->address_length <= sizeof asked->address &&
           memcmp(&own->address, &asked->address, asked->address_length) == 0;
}

/* Is it bound to just what was asked for? With port 0 each is somewhere else. */
static bool is_exact(const struct listener *listener)
{
    return listener->asked.address_length == listener->facts.address_length &&
           memcmp(&listener->asked.address, &listener->facts.address,
               listener->asked.address_length) == 0;
}

struct listener *listeners_match_shared(
    const struct listeners *listeners, const struct request_socket *asked)
{
    for (unsigned i = 0; asked->shared && i < listeners->count; i++)
        if (listeners->list[i]->asked.shared && is_exact(listeners->list[i]) &&
            is_asked(listeners->list[i], asked))
            return listeners->list[i];
    return NULL;
}

static int interface_of(int socket)
{
    int index = 0;

    option(socket, SOL_SOCKET, SO_BINDTOIFINDEX, &index);
    return index;
}

/* A client of the one may as well have come to the other, and whoever has one has both. */
static void give_number(struct listeners *listeners, struct listener *listener, int socket)
{
    const struct listener *twin = listeners_match_shared(listeners, &listener->asked);

    if (twin && is_exact(listener) &&
        interface_of(twin->source.descriptor) == interface_of(socket)) {
        listener->number = twin->number;
        listener->alone_of = twin->alone_of;
    } else {
        listener->number = ++listeners->last_number;
    }
    listener->facts.listener = listener->number;
}

int listeners_offer(struct listeners *listeners, const struct request_socket *asked, int socket,
    struct listener **found)
{
    cleanup_memory struct listener *listener = NULL;
    cleanup_descriptor int copy = -1;
    uint64_t cookie;
    int error = kernel_socket_cookie(socket, &cookie);

    if (error < 0)
        return error;
    for (unsigned i = 0; i < listeners->count; i++)
        if (listeners->list[i]->cookie == cookie) {
            *found = listeners->list[i];
            return 0;
        }
    listener = calloc(1, sizeof *listener);
    copy = kernel_fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (!listener || copy < 0)
        return listener ? copy : -ENOMEM;
    listener->cookie = cookie;
    listener->asked = *asked;
    error = learn(listener, copy);
    if (error < 0)
        return error;
    give_number(listeners, listener, copy);
    if (!asked->untouched)
        remember_path(listener);
    error = add(listeners, listener, copy);
    if (error < 0)
        return error;
    if (!asked->untouched)
        descriptor_steal(&copy);
    *found = memory_steal(&listener);
    return 0;
}

struct listener *listeners_match(const struct listeners *listeners,
    const struct request_socket *asked,
    bool (*taken)(const void *context, const struct listener *listener), const void *context)
{
    for (unsigned i = 0; i < listeners->count; i++)
        if (is_asked(listeners->list[i], asked) && !taken(context, listeners->list[i]))
            return listeners->list[i];
    return NULL;
}

struct listener *listeners_find(const struct listeners *listeners, uint32_t number)
{
    for (unsigned i = 0; i < listeners->count; i++)
        if (listeners->list[i]->number == number)
            return listeners->list[i];
    return NULL;
}

void listeners_set_option(
    struct listeners *listeners, uint32_t number, const struct request_option *option)
{
    for (unsigned i = 0; i < listeners->count; i++)
        if (listeners->list[i]->number == number)
            kernel_setsockopt(listeners->list[i]->source.descriptor, option->level, option->name,
                option->value, option->size);
}

void listeners_share(struct listeners *listeners, uint32_t number, unsigned instance)
{
    for (unsigned i = 0; i < listeners->count; i++)
        if (listeners->list[i]->number == number && listeners->list[i]->alone_of != instance)
            listeners->list[i]->alone_of = 0;
}

void listeners_pause(struct listeners *listeners, bool pause)
{
    listeners->paused = pause;
    for (unsigned i = 0; i < listeners->count; i++)
        loop_change(listeners->loop, &listeners->list[i]->source, pause ? 0 : EPOLLIN);
}

static void close_one(struct listener *listener)
{
    char space[sizeof(struct sockaddr_un)];
    const char *path = path_of(listener, space);
    struct stat status;

    if (path && listener->inode && lstat(path, &status) == 0 && status.st_dev == listener->device &&
        status.st_ino == listener->inode)
        unlink(path);
    loop_remove(listener->owner->loop, &listener->source);
    kernel_close(listener->source.descriptor);
    free(listener);
}

void listeners_give_up(struct listeners *listeners, unsigned instance)
{
    unsigned kept = 0;

    if (instance == 0)
        return;
    for (unsigned i = 0; i < listeners->count; i++)
        if (listeners->list[i]->alone_of == instance)
            close_one(listeners->list[i]);
        else
            listeners->list[kept++] = listeners->list[i];
    listeners->count = kept;
}

void listeners_close(struct listeners *listeners)
{
    for (unsigned i = 0; i < listeners->count; i++)
        close_one(listeners->list[i]);
    free(listeners->list);
    listeners->list = NULL;
    listeners->count = 0;
}
