/*
 * transparent_datagrams.c: receiving datagrams as libc's own calls do.
 *
 * Each test has two sockets that are alike: one bound by bind(3), as servers do, and one bound by
 * the bare system call, which no library sees. What one receives, the other must have received.
 */
#include "transparent.h"

#include <arpa/inet.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

struct twins {
    int family;
    int one, other; /* receive */
    int sender;
};

static struct twins over_udp = {.family = AF_INET}, over_udp6 = {.family = AF_INET6},
                    over_names = {.family = AF_UNIX};

static socklen_t any_address(int family, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    if (family == AF_UNIX)
        return sizeof(sa_family_t);
    if (family == AF_INET) {
        ((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(struct sockaddr_in);
    }
    ((struct sockaddr_in6 *)address)->sin6_addr = in6addr_loopback;
    return sizeof(struct sockaddr_in6);
}

static int begin(void **state)
{
    struct twins *twins = *state;
    struct sockaddr_storage address;
    socklen_t length = any_address(twins->family, &address);

    twins->one = socket(twins->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    twins->other = socket(twins->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    twins->sender = socket(twins->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(twins->one, (struct sockaddr *)&address, length) < 0 ||
        syscall(SYS_bind, twins->other, &address, length) < 0 ||
        bind(twins->sender, (struct sockaddr *)&address, length) < 0)
        return -1;
    return 0;
}

static int end(void **state)
{
    struct twins *twins = *state;

    close(twins->one);
    close(twins->other);
    close(twins->sender);
    return 0;
}

static void set(const struct twins *twins, int level, int option)
{
    int on = 1;

    assert_int_equal(setsockopt(twins->one, level, option, &on, sizeof on), 0);
    assert_int_equal(setsockopt(twins->other, level, option, &on, sizeof on), 0);
}

static void send_to(const struct twins *twins, int to, const char *text, const int passed[2])
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {.header = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_name = &address, .msg_iov = &part, .msg_iovlen = 1};

    assert_int_equal(getsockname(to, (struct sockaddr *)&address, &length), 0);
    message.msg_namelen = length;
    if (passed) {
        memcpy(CMSG_DATA(&control.header), passed, 2 * sizeof(int));
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    assert_int_equal(sendmsg(twins->sender, &message, 0), (ssize_t)strlen(text));
}

static void send_both(const struct twins *twins, const char *text, const int passed[2])
{
    send_to(twins, twins->one, text, passed);
    send_to(twins, twins->other, text, passed);
}

struct got {
    ssize_t size;
    char text[32];
    struct sockaddr_storage name;
    struct msghdr message;
    _Alignas(struct cmsghdr) unsigned char control[512];
};

static void receive(int socket, struct got *got, size_t room, int flags)
{
    struct iovec part = {got->text, 4};

    memset(got, 0, sizeof *got);
    memset(got->control, 0xee, sizeof got->control);
    got->message = (struct msghdr){.msg_name = &got->name,
        .msg_namelen = sizeof got->name,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = room ? got->control : NULL,
        .msg_controllen = room};
    got->size = recvmsg(socket, &got->message, flags);
    got->message.msg_name = NULL; /* where things were is of no interest */
    got->message.msg_iov = NULL;
    got->message.msg_control = NULL;
}

/* Numbers of descriptors and times differ; that they are open does not. */
static void level_what_differs(struct got *got)
{
    struct msghdr message = {
        .msg_control = got->control, .msg_controllen = got->message.msg_controllen};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        size_t size = c->cmsg_len > CMSG_LEN(0) ? c->cmsg_len - CMSG_LEN(0) : 0;

        if (c->cmsg_level != SOL_SOCKET ||
            (c->cmsg_type != SCM_RIGHTS && c->cmsg_type != SO_TIMESTAMP))
            continue;
        for (size_t at = 0; c->cmsg_type == SCM_RIGHTS && at + sizeof(int) <= size;
             at += sizeof(int)) {
            int number;

            memcpy(&number, CMSG_DATA(c) + at, sizeof number);
            assert_int_equal(close(number), 0);
        }
        memset(CMSG_DATA(c), 0, size);
    }
}

static void same(const struct twins *twins, size_t room, int flags)
{
    struct got one, other;

    receive(twins->one, &one, room, flags);
    receive(twins->other, &other, room, flags);
    level_what_differs(&one);
    level_what_differs(&other);
    assert_int_equal(one.size, other.size);
    assert_int_equal(one.message.msg_flags, other.message.msg_flags);
    assert_int_equal(one.message.msg_controllen, other.message.msg_controllen);
    assert_int_equal(one.message.msg_namelen, other.message.msg_namelen);
    assert_memory_equal(&one.name, &other.name, sizeof one.name);
    assert_memory_equal(one.control, other.control, one.message.msg_controllen);
    assert_memory_equal(one.text, other.text, sizeof one.text);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int number = 0; number < 1024; number++)
        count += fcntl(number, F_GETFD) >= 0;
    return count;
}

/* In every size of buffer: what there is room for, and MSG_CTRUNC only when it is true. */
static void control_data_is_cut_as_ever(void **state)
{
    const struct twins *twins = *state;
    unsigned before;

    set(twins, SOL_SOCKET, SO_TIMESTAMP);
    if (twins->family == AF_INET)
        set(twins, IPPROTO_IP, IP_PKTINFO);
    if (twins->family == AF_INET)
        set(twins, IPPROTO_IP, IP_RECVTOS);
    if (twins->family == AF_INET6)
        set(twins, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    before = count_descriptors();
    for (size_t room = 0; room <= 160; room += 4) {
        send_both(twins, "datagram", twins->family == AF_UNIX ? (int[]){0, 1} : NULL);
        same(twins, room, room % 8 ? MSG_TRUNC : 0);
    }
    assert_int_equal(count_descriptors(), before);
}

static void what_the_server_asks_for_itself_it_gets(void **state)
{
    const struct twins *twins = *state;
    int on = -1;
    socklen_t length = sizeof on;

    if (twins->family == AF_UNIX) {
        assert_int_equal(getsockopt(twins->one, SOL_SOCKET, SO_PASSCRED, &on, &length), 0);
        assert_int_equal(on, 0);
        set(twins, SOL_SOCKET, SO_PASSCRED);
        assert_int_equal(getsockopt(twins->one, SOL_SOCKET, SO_PASSCRED, &on, &length), 0);
        assert_int_equal(on, 1);
    }
    for (size_t room = 0; room <= 128; room += 4) {
        send_both(twins, "text", twins->family == AF_UNIX ? (int[]){0, 1} : NULL);
        same(twins, room, 0);
    }
}

/* A look leaves it there, and an empty one is one, too. */
static void looks_and_empty_ones(void **state)
{
    const struct twins *twins = *state;

    send_both(twins, "look", NULL);
    same(twins, 0, MSG_PEEK);
    same(twins, 0, MSG_PEEK | MSG_TRUNC);
    same(twins, 64, 0);
    same(twins, 0, MSG_DONTWAIT); /* EAGAIN for both */
    send_both(twins, "", NULL);
    same(twins, 0, 0);
}

static void every_form_of_reading_reads(void **state)
{
    const struct twins *twins = *state;
    struct sockaddr_storage name, own;
    socklen_t length = 3, own_length = sizeof own;
    char text[16] = "", more[16] = "";
    struct iovec parts[2] = {{text, 2}, {more, 5}};
    struct mmsghdr several[2] = {
        {.msg_hdr = {.msg_iov = parts, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = parts + 1}}};

    for (int i = 0; i < 6; i++)
        send_to(twins, twins->one, "abcdef", NULL);
    assert_int_equal(read(twins->one, text, 3), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(readv(twins->one, parts, 2), 6);
    assert_string_equal(more, "cdef");
    assert_int_equal(recv(twins->one, text, 2, MSG_TRUNC), 6);
    assert_int_equal(recvfrom(twins->one, text, 6, 0, (struct sockaddr *)&name, &length), 6);
    assert_int_equal(getsockname(twins->sender, (struct sockaddr *)&own, &own_length), 0);
    assert_int_equal(length, own_length);
    assert_memory_equal(&name, &own, 3);
    assert_int_equal(recvfrom(twins->one, text, 6, 0, NULL, NULL), 6);
    assert_int_equal(recvmmsg(twins->one, several, 2, MSG_DONTWAIT, NULL), 1);
    assert_int_equal(several[0].msg_len, 2);
    assert_int_equal(recv(twins->one, text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

/* A read of nothing takes nothing; one that may not wait does not. */
static void reads_that_end_at_once(void **state)
{
    const struct twins *twins = *state;
    char text[8] = "";
    struct iovec part = {text, sizeof text};

    alarm(20);
    for (int socket = twins->one;; socket = twins->other) {
        assert_int_equal(read(socket, text, 0), 0);
        assert_int_equal(preadv2(socket, &part, 1, -1, RWF_NOWAIT), -1);
        assert_int_equal(errno, EAGAIN);
        send_to(twins, socket, "left", NULL);
        assert_int_equal(read(socket, text, 0), 0);
        assert_int_equal(preadv2(socket, &part, 1, -1, RWF_NOWAIT), 4);
        assert_memory_equal(text, "left", 4);
        if (socket == twins->other)
            break;
    }
    alarm(0);
}

static int fact_of(const struct twins *twins)
{
    return twins->family == AF_UNIX ? SO_PASSCRED : SO_RCVMARK;
}

/* `one` is bound by bind(3) after the option was set, `other` by the bare call. */
static void what_was_asked_before_bind_it_gets(void **state)
{
    struct twins *twins = *state;
    struct sockaddr_storage address;
    socklen_t length = any_address(twins->family, &address), size = sizeof(int);
    int on = 1;

    close(twins->one);
    close(twins->other);
    twins->one = socket(twins->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    twins->other = socket(twins->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set(twins, SOL_SOCKET, fact_of(twins));
    assert_int_equal(bind(twins->one, (struct sockaddr *)&address, length), 0);
    assert_int_equal(syscall(SYS_bind, twins->other, &address, length), 0);
    on = 0;
    assert_int_equal(getsockopt(twins->one, SOL_SOCKET, fact_of(twins), &on, &size), 0);
    assert_int_equal(on, 1);
    for (size_t room = 0; room <= 64; room += 4) {
        send_both(twins, "text", NULL);
        same(twins, room, 0);
    }
}

/* An option is the socket's, whichever of its numbers it was set by. */
static void what_one_copy_asks_for_the_other_gets(void **state)
{
    struct twins *twins = *state;
    socklen_t size = sizeof(int);
    int copy = dup(twins->one), first = twins->one, on = 1;

    assert_true(copy >= 0);
    assert_int_equal(setsockopt(copy, SOL_SOCKET, fact_of(twins), &on, size), 0);
    assert_int_equal(setsockopt(twins->other, SOL_SOCKET, fact_of(twins), &on, size), 0);
    on = 0;
    assert_int_equal(getsockopt(first, SOL_SOCKET, fact_of(twins), &on, &size), 0);
    assert_int_equal(on, 1);
    send_both(twins, "text", NULL);
    same(twins, 64, 0);
    twins->one = copy;
    send_both(twins, "text", NULL);
    same(twins, 64, 0);
    twins->one = first;
    close(copy);
}

static void a_time_out_is_one(void **state)
{
    const struct twins *twins = *state;
    struct timeval soon = {.tv_usec = 10000};
    char byte;

    assert_int_equal(setsockopt(twins->one, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    assert_int_equal(recv(twins->one, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

#define OVER_ALL(test)                                                                             \
    {#test " udp", test, begin, end, &over_udp}, {#test " udp6", test, begin, end, &over_udp6},    \
    {                                                                                              \
#test " unix", test, begin, end, &over_names                                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(control_data_is_cut_as_ever),
        OVER_ALL(what_the_server_asks_for_itself_it_gets),
        OVER_ALL(looks_and_empty_ones),
        OVER_ALL(every_form_of_reading_reads),
        OVER_ALL(reads_that_end_at_once),
        OVER_ALL(what_was_asked_before_bind_it_gets),
        OVER_ALL(what_one_copy_asks_for_the_other_gets),
        OVER_ALL(a_time_out_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
