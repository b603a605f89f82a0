/* transparent_receive.c: reading from an accepted connection, and sending, as libc's own do. */
#include "transparent.h"

#include <sys/time.h>
#include <sys/uio.h>

static void say(int descriptor, const char *text)
{
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
}

/* What is written at once is there at once on loopback and AF_UNIX, in this order of calls. */
static void hear(int descriptor, const char *text)
{
    char got[64] = "";
    assert_int_equal(recv(descriptor, got, strlen(text), MSG_WAITALL), (ssize_t)strlen(text));
    assert_string_equal(got, text);
}

static void peeking_leaves_the_bytes(void **state)
{
    struct fixture *fixture = *state;
    char got[8] = "";
    say(fixture->far, "hello");
    assert_int_equal(recv(fixture->near, got, sizeof got, MSG_PEEK), 5);
    assert_string_equal(got, "hello");
    assert_int_equal(recv(fixture->near, got, 2, MSG_PEEK), 2);
    hear(fixture->near, "hello");
}

static void every_form_of_reading_reads(void **state)
{
    struct fixture *fixture = *state;
    char first[3] = "", second[3] = "";
    struct iovec pair[2] = {{first, 2}, {second, 2}};
    struct msghdr message = {.msg_iov = pair, .msg_iovlen = 2};
    struct mmsghdr several[2] = {{.msg_hdr = {.msg_iov = pair, .msg_iovlen = 1}}};
    say(fixture->far, "abcdefghijklmnop");
    assert_int_equal(read(fixture->near, first, 2), 2);
    assert_string_equal(first, "ab");
    assert_int_equal(readv(fixture->near, pair, 2), 4);
    assert_string_equal(second, "ef");
    assert_int_equal(recv(fixture->near, first, 2, 0), 2);
    assert_string_equal(first, "gh");
    assert_int_equal(recvfrom(fixture->near, first, 2, 0, NULL, NULL), 2);
    assert_string_equal(first, "ij");
    assert_int_equal(recvmsg(fixture->near, &message, 0), 4);
    assert_string_equal(second, "mn");
    assert_int_equal(recvmmsg(fixture->near, several, 1, MSG_DONTWAIT, NULL), 1);
    assert_int_equal(several[0].msg_len, 2);
    assert_string_equal(first, "op");
}

/* tcp(7): with MSG_TRUNC the bytes are thrown away, and the count says how many. */
static void truncation_discards_tcp_bytes(void **state)
{
    struct fixture *fixture = *state;
    char untouched[4] = "abc";
    say(fixture->far, "12345");
    assert_int_equal(recv(fixture->near, untouched, 3, MSG_TRUNC), 3);
    assert_string_equal(untouched, "abc");
    hear(fixture->near, "45");
}

/* A packet that does not fit is cut, and MSG_TRUNC tells its real length. */
static void truncation_tells_a_packets_length(void **state)
{
    (void)state;
    int pair[2];
    char small[2];
    struct iovec part = {small, sizeof small};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    say(pair[0], "packet");
    assert_int_equal(recv(pair[1], small, sizeof small, MSG_TRUNC), 6);
    say(pair[0], "packet");
    assert_int_equal(recvmsg(pair[1], &message, 0), 2);
    assert_true(message.msg_flags & MSG_TRUNC);
    close(pair[0]);
    close(pair[1]);
}

static void nothing_to_read_is_eagain(void **state)
{
    struct fixture *fixture = *state;
    char byte;
    struct timeval timeout = {0, 30000};
    assert_int_equal(recv(fixture->near, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    setsockopt(fixture->near, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    int64_t start = now();
    assert_int_equal(read(fixture->near, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_true(now() - start >= 25000000);
    say(fixture->far, "x");
    hear(fixture->near, "x");
}

static void shutdown_ends_each_direction(void **state)
{
    struct fixture *fixture = *state;
    char byte;
    say(fixture->far, "last");
    assert_int_equal(shutdown(fixture->far, SHUT_WR), 0);
    hear(fixture->near, "last");
    assert_int_equal(read(fixture->near, &byte, 1), 0);
    assert_int_equal(read(fixture->near, &byte, 1), 0);
    say(fixture->near, "still");
    hear(fixture->far, "still");
    assert_int_equal(shutdown(fixture->near, SHUT_WR), 0);
    assert_int_equal(send(fixture->near, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(read(fixture->far, &byte, 1), 0);
}

static void a_reset_is_reported(void **state)
{
    struct fixture *fixture = *state;
    struct linger at_once = {1, 0};
    char byte;
    setsockopt(fixture->far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fixture->far);
    fixture->far = -1;
    assert_int_equal(read(fixture->near, &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(read(fixture->near, &byte, 1), 0);
}

static void bad_arguments_are_the_kernels_to_judge(void **state)
{
    struct fixture *fixture = *state;
    void *volatile nowhere = (void *)(uintptr_t)8; /* volatile: the compiler would object */
    volatile int minus_one = -1;
    say(fixture->far, "x");
    assert_int_equal(read(fixture->near, nowhere, 1), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(readv(fixture->near, NULL, minus_one), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(read(-1, NULL, 0), -1);
    assert_int_equal(errno, EBADF);
}

static void send_descriptor(int socket, int descriptor)
{
    char byte = 'd';
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {&(int){0}, 0, &part, 1, &control, sizeof control, 0};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static int receive_descriptor(int socket)
{
    char byte;
    int descriptor = -1;
    struct iovec part = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {NULL, 0, &part, 1, &control, sizeof control, 0};
    assert_int_equal(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    assert_non_null(header);
    assert_int_equal(header->cmsg_type, SCM_RIGHTS);
    assert_null(CMSG_NXTHDR(&message, header));
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

/* Over a pair of the server's own: an accepted connection that was passed still works. */
static void an_accepted_connection_can_be_passed(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    send_descriptor(pair[0], fixture->near);
    int passed = receive_descriptor(pair[1]);
    close(fixture->near);
    fixture->near = passed;
    assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
    say(fixture->far, "to");
    hear(passed, "to");
    say(passed, "fro");
    hear(fixture->far, "fro");
    close(pair[0]);
    close(pair[1]);
}

/* And a client may pass a descriptor to the server over an accepted AF_UNIX connection. */
static void a_client_can_pass_a_descriptor(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    send_descriptor(fixture->far, ends[0]);
    int received = receive_descriptor(fixture->near);
    say(ends[1], "pipe");
    char got[5] = "";
    assert_int_equal(read(received, got, 4), 4);
    assert_string_equal(got, "pipe");
    close(received);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(peeking_leaves_the_bytes, open_connection),
        BOTH(every_form_of_reading_reads, open_connection),
        cmocka_unit_test_prestate_setup_teardown(
            truncation_discards_tcp_bytes, open_connection, close_all, &over_tcp),
        cmocka_unit_test(truncation_tells_a_packets_length),
        BOTH(nothing_to_read_is_eagain, open_connection),
        BOTH(shutdown_ends_each_direction, open_connection),
        cmocka_unit_test_prestate_setup_teardown(
            a_reset_is_reported, open_connection, close_all, &over_tcp),
        BOTH(bad_arguments_are_the_kernels_to_judge, open_connection),
        BOTH(an_accepted_connection_can_be_passed, open_connection),
        cmocka_unit_test_prestate_setup_teardown(
            a_client_can_pass_a_descriptor, open_connection, close_all, &over_unix),
    };
    return cmocka_run_group_tests_name("receive", tests, NULL, NULL);
}
