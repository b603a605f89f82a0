/* actor.c: another user of the host, who does what a test tells him; see actor.h. */
#include "actor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum deed { OPEN, CONNECT, LISTEN, SEND, FILL, CLOSE, RESET, GIVE };

struct order {
    enum deed deed;
    struct client client;
    size_t size;
};

struct reply {
    int result;
    struct sockaddr_storage local;
};

/* ---- in the actor's process ---- */

static int do_open(int *held, const struct client *client)
{
    int one = 1, type = SOCK_STREAM | SOCK_CLOEXEC | (client->deaf ? SOCK_NONBLOCK : 0);

    *held = socket(client->remote.ss_family, type, client->protocol);
    if (*held < 0)
        return -errno;
    return setsockopt(*held, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ? -errno : 0;
}

static int do_connect(int held, const struct client *client)
{
    if (client->local.ss_family != AF_UNSPEC &&
        bind(held, (const struct sockaddr *)&client->local, length_of(&client->local)) < 0)
        return -errno;
    if (connect(held, (const struct sockaddr *)&client->remote, length_of(&client->remote)) < 0)
        return client->deaf && errno == EINPROGRESS ? 0 : -errno;
    return 0;
}

static int do_listen(int *held, const struct sockaddr_storage *address)
{
    int one = 1;

    *held = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(*held, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(*held, (const struct sockaddr *)address, length_of(address)) < 0 ||
        listen(*held, 16) < 0)
        return -errno;
    return 0;
}

static int do_send(int held, size_t size)
{
    static const char bytes[4096];

    for (ssize_t sent; size > 0; size -= (size_t)sent) {
        sent = send(held, bytes, size < sizeof bytes ? size : sizeof bytes, MSG_NOSIGNAL);
        if (sent < 0)
            return -errno;
    }
    return 0;
}

static int do_fill(int held)
{
    static const char bytes[65536];

    while (send(held, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        continue;
    return errno == EAGAIN ? 0 : -errno;
}

static int do_close(int *held, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int result = 0;

    if (reset && setsockopt(*held, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0)
        result = -errno;
    if (close(*held) < 0)
        result = -errno;
    *held = -1;
    return result;
}

static int do_give(int channel, int held)
{
    char byte = 0;
    union {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {
        .header = {
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};

    memcpy(CMSG_DATA(&control.header), &held, sizeof held);
    return sendmsg(channel, &message, 0) < 0 ? -errno : 0;
}

static int obey(int channel, int *held, const struct order *order)
{
    switch (order->deed) {
    case OPEN:
        return do_open(held, &order->client);
    case CONNECT:
        return do_connect(*held, &order->client);
    case LISTEN:
        return do_listen(held, &order->client.local);
    case SEND:
        return do_send(*held, order->size);
    case FILL:
        return do_fill(*held);
    case CLOSE:
    case RESET:
        return do_close(held, order->deed == RESET);
    case GIVE:
        return do_give(channel, *held);
    }
    return -EINVAL;
}

static void live(int channel, uid_t uid, void (*prepare)(void))
{
    struct order order;
    int held = -1;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (prepare != NULL)
        prepare();
    if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        _exit(1);
    while (recv(channel, &order, sizeof order, 0) == sizeof order) {
        struct reply reply = {.result = obey(channel, &held, &order)};
        socklen_t length = sizeof reply.local;

        if (held >= 0)
            getsockname(held, (struct sockaddr *)&reply.local, &length);
        if ((order.deed == CONNECT || order.deed == LISTEN) && reply.result < 0)
            do_close(&held, false);
        send(channel, &reply, sizeof reply, 0);
    }
    _exit(0);
}

/* ---- in the test ---- */

struct actor actor_start(uid_t uid, void (*prepare)(void))
{
    struct actor actor;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    actor.pid = fork();
    assert_true(actor.pid >= 0);
    if (actor.pid == 0) {
        close(pair[0]);
        live(pair[1], uid, prepare);
    }
    close(pair[1]);
    actor.channel = pair[0];
    return actor;
}

void actor_end(struct actor *actor)
{
    kill(actor->pid, SIGKILL);
    waitpid(actor->pid, NULL, 0);
    close(actor->channel);
}

static struct reply ask(struct actor *actor, const struct order *order)
{
    struct reply reply;

    assert_int_equal(send(actor->channel, order, sizeof *order, 0), sizeof *order);
    assert_int_equal(recv(actor->channel, &reply, sizeof reply, 0), sizeof reply);
    return reply;
}

int actor_listen(
    struct actor *actor, const struct sockaddr_storage *address, struct sockaddr_storage *local)
{
    struct reply reply = ask(actor, &(struct order){.deed = LISTEN, .client.local = *address});

    if (local != NULL)
        *local = reply.local;
    return reply.result;
}

int actor_send(struct actor *actor, size_t size)
{
    return ask(actor, &(struct order){.deed = SEND, .size = size}).result;
}

int actor_fill(struct actor *actor)
{
    return ask(actor, &(struct order){.deed = FILL}).result;
}

int actor_close(struct actor *actor)
{
    return ask(actor, &(struct order){.deed = CLOSE}).result;
}

int actor_reset(struct actor *actor)
{
    return ask(actor, &(struct order){.deed = RESET}).result;
}

static int take_socket(struct actor *actor)
{
    struct order order = {.deed = GIVE};
    struct reply reply;
    char byte;
    union {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    int taken;

    assert_int_equal(send(actor->channel, &order, sizeof order, 0), sizeof order);
    assert_int_equal(recvmsg(actor->channel, &message, MSG_CMSG_CLOEXEC), 1);
    assert_non_null(CMSG_FIRSTHDR(&message));
    memcpy(&taken, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof taken);
    assert_int_equal(recv(actor->channel, &reply, sizeof reply, 0), sizeof reply);
    return taken;
}

/* Every user may do this to a socket of his own, but for kernels with that switched off. */
static void drop_everything(struct actor *actor)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &nothing};
    int taken = take_socket(actor);

    assert_int_equal(setsockopt(taken, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    close(taken);
}

int actor_connect(struct actor *actor, const struct client *client, struct sockaddr_storage *local)
{
    struct order order = {.deed = OPEN, .client = *client};
    struct reply reply = ask(actor, &order);

    if (reply.result < 0)
        return reply.result;
    if (client->deaf)
        drop_everything(actor);
    order.deed = CONNECT;
    reply = ask(actor, &order);
    if (local != NULL)
        *local = reply.local;
    return reply.result;
}

void actor_vanish(struct actor *actor)
{
    int taken = take_socket(actor), one = 1;

    assert_int_equal(setsockopt(taken, IPPROTO_TCP, TCP_REPAIR, &one, sizeof one), 0);
    assert_int_equal(actor_close(actor), 0);
    close(taken);
}

struct sockaddr_storage address_of(const char *text, in_port_t port)
{
    struct sockaddr_storage storage = {.ss_family = AF_INET};
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;

    if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
        ipv4->sin_port = htons(port);
        return storage;
    }
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    return storage;
}

in_port_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

socklen_t length_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

int server_listen(const char *text, int protocol, struct sockaddr_storage *address)
{
    struct sockaddr_storage wanted = address_of(text, 0);
    socklen_t length = sizeof *address;
    int listener = socket(wanted.ss_family, SOCK_STREAM | SOCK_CLOEXEC, protocol);

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&wanted, length_of(&wanted)), 0);
    assert_int_equal(listen(listener, 512), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)address, &length), 0);
    return listener;
}

int server_accept(int listener)
{
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    assert_true(accepted >= 0);
    return accepted;
}

int state_of(int socket)
{
    uint8_t state = 0;
    socklen_t length = sizeof state;

    assert_int_equal(getsockopt(socket, IPPROTO_TCP, TCP_INFO, &state, &length), 0);
    return state;
}

void in_a_child(void (*body)(void))
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        identity_after_fork();
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

bool run(const char *command)
{
    return system(command) == 0;
}

void expect_user(int socket, uid_t uid)
{
    struct identity identity;

    assert_int_equal(identity_of_connection(socket, &identity), 0);
    if (identity.kind != IDENTITY_USER)
        print_error(
            "nobody: %s (error %d)\n", identity_reason_text(identity.reason), identity.error);
    assert_int_equal(identity.kind, IDENTITY_USER);
    assert_int_equal(identity.uid, uid);
}

void expect_nobody(int socket, enum identity_reason reason)
{
    struct identity identity;
    int result = identity_of_connection(socket, &identity);

    assert_true(result == 0 || result == -ENOTCONN);
    if (identity.kind == IDENTITY_USER)
        print_error("taken for uid %u\n", (unsigned)identity.uid);
    assert_int_equal(identity.kind, IDENTITY_NONE);
    assert_int_equal(identity.uid, (uid_t)-1);
    assert_string_equal(identity_reason_text(identity.reason), identity_reason_text(reason));
}
