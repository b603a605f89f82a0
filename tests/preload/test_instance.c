/*
 * test_instance.c: what is different in an instance, and what must not be. Runs under
 * `instance_host --keep`: what is bound once is served, and bound by nobody, from then on.
 */
#include "transparent.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

static int bound(struct sockaddr_in *address, int option)
{
    int on = 1, number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (option)
        setsockopt(number, SOL_SOCKET, option, &on, sizeof on);
    assert_int_equal(bind(number, (struct sockaddr *)address, sizeof *address), 0);
    return number;
}

static struct sockaddr_in any_port(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
}

static void connect_through(int listener)
{
    struct fixture fixture = {.family = AF_INET, .listener = listener};
    fixture.address_length = sizeof fixture.address;
    assert_int_equal(
        getsockname(listener, (struct sockaddr *)&fixture.address, &fixture.address_length), 0);
    serve_one(&fixture);
}

static int number_option(int number, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    assert_int_equal(getsockopt(number, level, name, &value, &length), 0);
    return value;
}

/* The first has a real port of the kernel's choice; the next one is given the same. */
static void the_next_instance_has_the_first_ones_port(void **state)
{
    (void)state;
    struct sockaddr_in asked = any_port(), first, second;
    socklen_t length = sizeof first;
    int number = bound(&asked, 0);
    assert_int_equal(listen(number, 5), 0);
    assert_int_equal(getsockname(number, (struct sockaddr *)&first, &length), 0);
    connect_through(number);
    close(number);

    number = bound(&asked, SO_KEEPALIVE);
    length = sizeof second;
    assert_int_equal(getsockname(number, (struct sockaddr *)&second, &length), 0);
    assert_int_equal(first.sin_port, second.sin_port);
    assert_int_equal(number_option(number, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(accept(number, NULL, NULL), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(bind(number, (struct sockaddr *)&asked, sizeof asked), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(fcntl(number, F_SETFL, O_NONBLOCK), 0);
    int copy = fcntl(number, F_DUPFD, 300);
    assert_int_equal(listen(number, 5), 0);
    assert_int_equal(number_option(copy, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_int_equal(number_option(number, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_int_equal(number_option(number, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(fcntl(number, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(copy, F_GETFD), 0);
    assert_int_equal(accept(copy, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    connect_through(number);
    connect_through(copy);
    close(number);
    close(copy);
}

static void what_is_not_served_is_bound(void **state)
{
    (void)state;
    struct sockaddr_in asked = any_port(), got;
    socklen_t length = sizeof got;
    int first = bound(&asked, SO_REUSEPORT); /* served by the test before */
    int second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(listen(first, 5), 0);
    assert_int_equal(getsockname(first, (struct sockaddr *)&got, &length), 0);
    assert_int_equal(bind(second, (struct sockaddr *)&got, length), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(first);
    close(second);
}

static struct sockaddr_un path_address(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/instance-%" PRIx64 "-%s",
        (uint64_t)now(), name);
    return address;
}

static void exists(const char *path, bool wanted)
{
    struct stat status;
    assert_int_equal(lstat(path, &status) == 0, wanted);
}

static void the_path_of_a_served_socket_stays(void **state)
{
    (void)state;
    struct sockaddr_un address = path_address("served"), own = path_address("own");
    const char *path = address.sun_path, *other = own.sun_path;
    int number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(number, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(number, 5), 0);
    assert_int_equal(unlink(path), 0);
    exists(path, true);
    close(number);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlinkat(AT_FDCWD, path, 0), 0);
    assert_int_equal(remove(path), 0);
    exists(path, true);

    number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(number, (struct sockaddr *)&address,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
        0);
    close(number);
    assert_int_equal(bind(datagrams, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(unlink(other), 0);
    exists(other, false);
    assert_int_equal(unlink(other), -1);
    assert_int_equal(errno, ENOENT);
    close(datagrams);
}

/* Whoever closes every number closes the socket behind a stand-in as little as the channel. */
static void a_daemons_habits_harm_nothing(void **state)
{
    (void)state;
    struct sockaddr_in asked = any_port();
    int on = 1, number = bound(&asked, SO_REUSEADDR), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(listen(number, 5), 0);
    assert_int_equal(dup2(number, 20), 20);
    for (int i = 500; i < 1024; i++)
        assert_int_equal(dup2(null, i), i);
    for (int i = 3; i < 1024; i++)
        if (i != 20)
            close(i);
    assert_int_equal(close_range(21, ~0U, 0), 0);
    assert_int_equal(number_option(20, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(number_option(20, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    assert_int_equal(setsockopt(20, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    connect_through(20);
    close(20);
}

/* A place in the table, and a descriptor behind it, are free again. */
static void sockets_come_and_go(void **state)
{
    (void)state;
    struct sockaddr_in asked = any_port();
    for (int i = 0; i < 300; i++) {
        int number = bound(&asked, 0);
        assert_int_equal(listen(number, 5), 0);
        assert_int_equal(number_option(number, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
        close(number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_instance_has_the_first_ones_port),
        cmocka_unit_test(what_is_not_served_is_bound),
        cmocka_unit_test(the_path_of_a_served_socket_stays),
        cmocka_unit_test(a_daemons_habits_harm_nothing),
        cmocka_unit_test(sockets_come_and_go),
    };
    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
