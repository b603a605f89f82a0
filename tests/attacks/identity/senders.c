/* senders.c: see senders.h. */
#include "senders.h"

#include "kernel.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct stamp stamp;
struct sockaddr_storage server;
socklen_t server_length;
int receiver;
uint64_t stamped;

uint64_t netns_here(void)
{
    int probe = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;

    assert_int_equal(kernel_getsockopt(probe, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length), 0);
    close(probe);
    return cookie;
}

int bind_receiver(const char *text)
{
    socklen_t length = sizeof server;

    server = address_of(text, 0);
    receiver = socket(server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&server, length_of(&server)), 0);
    assert_int_equal(getsockname(receiver, (struct sockaddr *)&server, &length), 0);
    server_length = length;
    assert_int_equal(identity_prepare_datagrams(receiver, stamped), 0);
    return 0;
}

static int attach(void)
{
    char message[256];
    int error = stamp_attach(&stamp, message, sizeof message);

    if (error < 0)
        print_error("no stamp: %s\n", message);
    return error;
}

int start(void **state)
{
    (void)state;
    stamped = netns_here();
    return attach() < 0 ? -1 : bind_receiver("127.0.0.1");
}

int end(void **state)
{
    (void)state;
    stamp_close(&stamp);
    return close(receiver);
}

uint32_t forged(uid_t uid)
{
    return stamp_tag | uid;
}

/* ---- senders ----------------------------------------------------------------------------------
 */

static void keep_net_admin(uid_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    data[0].permitted = data[0].effective = 1U << CAP_NET_ADMIN;
    if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresuid(uid, uid, uid) < 0 ||
        syscall(SYS_capset, &header, data) < 0)
        _exit(2);
}

static void demand(bool held, int otherwise)
{
    if (!held)
        _exit(otherwise);
}

static bool set(int own, int level, int option, unsigned value)
{
    return setsockopt(own, level, option, &value, sizeof value) == 0;
}

static void prepare(int own, const struct sending *sending)
{
    const struct sockaddr *from = (const struct sockaddr *)sending->from;

    demand(!sending->shares || set(own, SOL_SOCKET, SO_REUSEADDR, 1), 3);
    demand(!sending->mark || set(own, SOL_SOCKET, SO_MARK, sending->mark), 4);
    demand(!sending->to || set(own, IPPROTO_IPV6, IPV6_FREEBIND, 1), 5);
    demand(!sending->device || set(own, IPPROTO_IPV6, IPV6_MULTICAST_IF, sending->device), 6);
    demand(!from || bind(own, from, length_of(sending->from)) == 0, 7);
}

/* In a process of that user's: a socket, a datagram, and the end. */
static void send_one(const struct sending *sending)
{
    struct sockaddr_storage to = sending->to ? address_of(sending->to, port_of(&server)) : server;
    socklen_t length = sending->to ? length_of(&to) : server_length;
    size_t size = strlen(sending->text);
    int own;

    if (sending->mark)
        keep_net_admin(sending->uid);
    else
        demand(setresuid(sending->uid, sending->uid, sending->uid) == 0, 2);
    own = socket(server.ss_family, SOCK_DGRAM, 0);
    prepare(own, sending);
    if (sending->connects) {
        demand(connect(own, (struct sockaddr *)&to, length) == 0, 8);
        demand(send(own, sending->text, size, 0) == (ssize_t)size, 9);
    } else {
        demand(sendto(own, sending->text, size, 0, (struct sockaddr *)&to, length) == (ssize_t)size,
            10);
    }
    _exit(0);
}

void sent(const struct sending *sending)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        send_one(sending);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A socket that goes on to have the port, in a process of that user's. */
pid_t holds_port(uid_t uid, const struct sockaddr_storage *address)
{
    int ready[2], on = 1;
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        int own;

        close(ready[0]);
        if (setresuid(uid, uid, uid) < 0)
            _exit(2);
        own = socket(address->ss_family, SOCK_DGRAM, 0);
        setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(own, (const struct sockaddr *)address, length_of(address)) < 0)
            _exit(3);
        if (write(ready[1], "", 1) != 1)
            _exit(4);
        pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

void lets_go(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* ---- what is said of them ---------------------------------------------------------------------
 */

void receive(char text[16], struct identity *identity)
{
    union {
        struct cmsghdr header;
        char space[256];
    } control;
    struct sockaddr_storage from;
    struct iovec part = {text, 15};
    struct msghdr message = {.msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t size = recvmsg(receiver, &message, MSG_DONTWAIT);

    assert_true(size >= 0);
    text[size] = '\0';
    identity_of_datagram(receiver, stamped, &message, identity);
}

void expect_from(uid_t uid, const char *said)
{
    struct identity identity;
    char text[16];

    receive(text, &identity);
    assert_string_equal(text, said);
    assert_int_equal(identity.kind, IDENTITY_USER);
    assert_int_equal(identity.uid, uid);
}

void expect_from_nobody(enum identity_reason reason)
{
    struct identity identity;
    char text[16];

    receive(text, &identity);
    assert_int_equal(identity.kind, IDENTITY_NONE);
    assert_int_equal(identity.uid, (uid_t)-1);
    assert_int_equal(identity.reason, reason);
}

/* A port that is free for the moment. */
struct sockaddr_storage free_port(const char *text)
{
    struct sockaddr_storage address = address_of(text, 0);
    socklen_t length = sizeof address;
    int probe = socket(address.ss_family, SOCK_DGRAM, 0);

    assert_int_equal(bind(probe, (struct sockaddr *)&address, length_of(&address)), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &length), 0);
    close(probe);
    return address;
}
