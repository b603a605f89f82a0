/*
 * instance_host.c: the smallest supervisor of one instance:
 * `instance_host [--auto | --keep] PROGRAM [ARG…]`
 *
 * It speaks preload/account/protocol.h with the library in PROGRAM, owns the listeners, and passes
 * each client on to the next of a listener's stand-ins. Nobody is identified and nothing is sealed.
 * A listener is closed with its last stand-in, or with --keep never, so that PROGRAM is the next
 * instance when it binds again. With --auto a process is asked what it waits by first. Exits as
 * PROGRAM did.
 */
#include "account/protocol.h"
#include "descriptors.h"
#include "stand_in.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LISTENERS = 256, STAND_INS = 512, CHANNEL = 900 };

static struct listener {
    int socket; /* -1: free */
    uint64_t cookie;
    struct request_socket asked;
    struct stand_in facts;
    int waiting; /* a client that fitted nowhere, -1: none */
    unsigned next;
} listeners[LISTENERS];

static struct end {
    int socket; /* -1: free */
    uint64_t cookie;
    unsigned listener;
} ends[STAND_INS];

static enum isolation isolation = ISOLATION_INSTANCES;
static bool keeps;

static uint64_t cookie_of(int socket)
{
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;

    getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &length);
    return cookie;
}

static int option_of(int socket, int name)
{
    int value = 0;
    socklen_t length = sizeof value;

    getsockopt(socket, SOL_SOCKET, name, &value, &length);
    return value;
}

static void answer(int reply, const void *bytes, size_t size, int descriptor)
{
    int sent = descriptors_send(reply, bytes, size, descriptor);

    if (sent < 0)
        warnx("answer: %s", strerror(-sent));
}

static void answer_no(int reply, int result)
{
    struct stand_in no = {.magic = PROTOCOL_MAGIC, .result = result};

    answer(reply, &no, sizeof no, -1);
}

/* The new end of a stand-in for that listener goes with the answer. */
static void give(unsigned index, int reply)
{
    int pair[2];

    for (unsigned i = 0; i < STAND_INS; i++)
        if (ends[i].socket < 0) {
            if (stand_in_make(pair) < 0)
                errx(125, "stand_in_make");
            ends[i] = (struct end){pair[0], cookie_of(pair[1]), index};
            answer(reply, &listeners[index].facts, sizeof listeners[index].facts, pair[1]);
            close(pair[1]);
            return;
        }
    errx(125, "too many stand-ins");
}

static void offered(const struct request_socket *asked, int socket, int reply)
{
    struct listener *listener = listeners;
    uint64_t cookie = cookie_of(socket);
    socklen_t length = sizeof listener->facts.address;

    for (unsigned i = 0; i < LISTENERS; i++)
        if (listeners[i].socket >= 0 && listeners[i].cookie == cookie) {
            give(i, reply);
            return;
        }
    while (listener->socket >= 0)
        if (++listener == listeners + LISTENERS)
            errx(125, "too many listeners");
    *listener = (struct listener){.socket = dup(socket), .cookie = cookie, .waiting = -1};
    listener->asked = *asked;
    listener->facts = (struct stand_in){.magic = PROTOCOL_MAGIC,
        .listener = (uint32_t)(listener - listeners) + 1,
        .family = option_of(socket, SO_DOMAIN),
        .type = option_of(socket, SO_TYPE),
        .protocol = option_of(socket, SO_PROTOCOL)};
    getsockname(socket, (struct sockaddr *)&listener->facts.address, &length);
    listener->facts.address_length = length;
    fcntl(listener->socket, F_SETFL, O_NONBLOCK);
    fcntl(listener->socket, F_SETFD, FD_CLOEXEC);
    give((unsigned)(listener - listeners), reply);
}

/* Has the program closed all that it had of it? That may not have been noticed yet. */
static bool is_open(const struct end *end)
{
    struct pollfd set = {end->socket, 0, 0};

    return end->socket >= 0 && (poll(&set, 1, 0) <= 0 || !(set.revents & (POLLHUP | POLLERR)));
}

static unsigned stand_ins_of(unsigned index)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STAND_INS; i++)
        count += ends[i].listener == index && is_open(&ends[i]);
    return count;
}

static bool is_asked(const struct listener *listener, const struct request_socket *asked)
{
    return listener->socket >= 0 && listener->asked.family == asked->family &&
           listener->asked.type == asked->type && listener->asked.only_v6 == asked->only_v6 &&
           listener->asked.address_length == asked->address_length &&
           memcmp(&listener->asked.address, &asked->address, asked->address_length) == 0;
}

static void bound(const struct request_socket *asked, int reply)
{
    for (unsigned i = 0; i < LISTENERS; i++)
        if (keeps && is_asked(&listeners[i], asked) && stand_ins_of(i) == 0) {
            answer(reply, &listeners[i].facts, sizeof listeners[i].facts, -1);
            return;
        }
    answer_no(reply, -ENOENT);
}

static void which(uint64_t cookie, int reply)
{
    for (unsigned i = 0; i < STAND_INS; i++)
        if (ends[i].socket >= 0 && ends[i].cookie == cookie) {
            struct stand_in facts = listeners[ends[i].listener].facts;

            facts.listens = true;
            answer(reply, &facts, sizeof facts, -1);
            return;
        }
    answer_no(reply, -ENOENT);
}

static void greet(int reply)
{
    struct settings settings = {.magic = PROTOCOL_MAGIC,
        .mode = PROTECT_SCOPES,
        .ground = GROUND_NONE,
        .isolation = isolation,
        .lifetime_ms = 1000,
        .guard_uid = 61184,
        .guard_gid = 61184};

    answer(reply, &settings, sizeof settings, -1);
}

static void decide(bool by_epoll, int reply)
{
    struct decision decision = {
        .magic = PROTOCOL_MAGIC, .isolation = by_epoll ? ISOLATION_INSTANCES : ISOLATION_SCOPES};

    answer(reply, &decision, sizeof decision, -1);
}

static void handle(const struct request *request, int reply, int attached)
{
    const struct request_socket *socket = &request->socket;

    if (request->kind == REQUEST_GREETING)
        greet(reply);
    else if (request->kind == REQUEST_SERVES)
        decide(socket->by_epoll, reply);
    else if (request->kind == REQUEST_BIND)
        bound(socket, reply);
    else if (request->kind == REQUEST_LISTEN)
        give(socket->listener - 1, reply);
    else if (request->kind == REQUEST_OFFER)
        offered(socket, attached, reply);
    else if (request->kind == REQUEST_WHICH)
        which(socket->cookie, reply);
    else if (request->kind == REQUEST_OPTION)
        setsockopt(listeners[socket->listener - 1].socket, request->option.level,
            request->option.name, request->option.value, request->option.size);
}

static bool take_request(int channel)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct request request;
    struct iovec part = {&request, sizeof request};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    int descriptors[2] = {-1, -1};

    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof request)
        return false;
    if (message.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(descriptors, CMSG_DATA(&control.header), control.header.cmsg_len - CMSG_LEN(0));
    handle(&request, descriptors[0], descriptors[1]);
    for (int i = 0; i < 2; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    return true;
}

/* To the next of its stand-ins that has room; none: it waits. */
static void deliver(unsigned index)
{
    struct listener *listener = &listeners[index];

    for (unsigned i = 0; i < STAND_INS; i++) {
        struct end *end = &ends[(listener->next + i) % STAND_INS];

        if (end->socket < 0 || end->listener != index)
            continue;
        if (stand_in_deliver(end->socket, listener->waiting) == 0) {
            listener->next = (unsigned)(end - ends) + 1;
            close(listener->waiting);
            listener->waiting = -1;
            return;
        }
    }
}

/* To the program the path is not its own, so it must be removed here. */
static void close_listener(struct listener *listener)
{
    const struct sockaddr_un *address = (const struct sockaddr_un *)&listener->facts.address;

    if (address->sun_family == AF_UNIX && address->sun_path[0])
        unlink(address->sun_path);
    close(listener->socket);
    listener->socket = -1;
    if (listener->waiting >= 0)
        close(listener->waiting);
    listener->waiting = -1;
}

static void drop(struct end *end)
{
    close(end->socket);
    end->socket = -1;
    if (!keeps && stand_ins_of(end->listener) == 0)
        close_listener(&listeners[end->listener]);
}

/* One turn: waits, and does what is there to be done. Returns false when PROGRAM has ended. */
static bool turn(int channel, int program)
{
    static struct pollfd set[2 + LISTENERS + STAND_INS];
    struct pollfd *of_listeners = set + 2, *of_ends = set + 2 + LISTENERS;

    set[0] = (struct pollfd){channel, POLLIN, 0};
    set[1] = (struct pollfd){program, POLLIN, 0};
    for (unsigned i = 0; i < LISTENERS; i++)
        of_listeners[i] =
            (struct pollfd){listeners[i].waiting >= 0 ? -1 : listeners[i].socket, POLLIN, 0};
    for (unsigned i = 0; i < STAND_INS; i++)
        of_ends[i] = (struct pollfd){ends[i].socket,
            ends[i].socket >= 0 && listeners[ends[i].listener].waiting >= 0 ? POLLOUT : 0, 0};
    if (poll(set, sizeof set / sizeof *set, -1) < 0)
        err(125, "poll");
    while (take_request(channel)) /* an option that was set before a client came is its, too */
        ;
    for (unsigned i = 0; i < LISTENERS; i++) {
        if (of_listeners[i].revents && listeners[i].socket == of_listeners[i].fd)
            listeners[i].waiting = accept4(listeners[i].socket, NULL, NULL, SOCK_CLOEXEC);
        if (listeners[i].socket >= 0 && listeners[i].waiting >= 0)
            deliver(i);
    }
    for (unsigned i = 0; i < STAND_INS; i++)
        if (ends[i].socket == of_ends[i].fd && of_ends[i].revents & (POLLHUP | POLLERR))
            drop(&ends[i]);
    return !(set[1].revents & POLLIN);
}

static _Noreturn void become_program(int channel, char **arguments)
{
    char library[4096], number[16];

    snprintf(
        library, sizeof library, "%s/preload/hooks/libwsapeer-preload.so", getenv("BUILD") ?: ".");
    snprintf(number, sizeof number, PROTOCOL_CHANNEL_FORMAT, CHANNEL);
    if (dup2(channel, CHANNEL) < 0)
        err(125, "dup2");
    setenv("LD_PRELOAD", library, 1);
    setenv(PROTOCOL_CHANNEL_VARIABLE, number, 1);
    execvp(arguments[0], arguments);
    err(127, "%s", arguments[0]);
}

int main(int count, char **arguments)
{
    int channel[2], status;
    pid_t child;

    if (count > 1 && strcmp(arguments[1], "--auto") == 0) {
        isolation = ISOLATION_UNDECIDED;
        arguments++;
    }
    if (count > 1 && strcmp(arguments[1], "--keep") == 0) {
        keeps = true;
        arguments++;
    }
    for (unsigned i = 0; i < LISTENERS; i++)
        listeners[i].socket = listeners[i].waiting = -1;
    for (unsigned i = 0; i < STAND_INS; i++)
        ends[i].socket = -1;
    if (!arguments[1] || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
        errx(125, "usage: instance_host [--auto | --keep] PROGRAM [ARG...]");
    child = fork();
    if (child == 0)
        become_program(channel[1], arguments + 1);
    close(channel[1]);
    for (int program = pidfd_open(child, 0); turn(channel[0], program);)
        ;
    for (unsigned i = 0; i < LISTENERS; i++)
        if (listeners[i].socket >= 0)
            close_listener(&listeners[i]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
