/* transparent_listeners.c: what a server can see of a socket that listens, of every kind. */
#include "transparent_kinds.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

static void it_serves(void **state)
{
    struct kind *kind = *state;
    int copy;
    serves(kind, kind->listener);
    copy = dup(kind->listener);
    serves(kind, copy);
    close(kind->listener);
    kind->listener = dup2(copy, 500);
    close(copy);
    serves(kind, 500);
}

static void its_options_are_a_listeners(void **state)
{
    struct kind *kind = *state;
    char first = 7, second;
    socklen_t length = 1;
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_ERROR), 0);
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_TYPE), kind->type);
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_DOMAIN), kind->family);
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_PROTOCOL),
        kind->family == AF_UNIX ? 0 : IPPROTO_TCP);
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_REUSEADDR), 1);
    if (kind->family == AF_INET6)
        assert_int_equal(option_of(kind->listener, IPPROTO_IPV6, IPV6_V6ONLY), !kind->dual);
    assert_int_equal(getsockopt(kind->listener, SOL_SOCKET, SO_ACCEPTCONN, &first, &length), 0);
    assert_int_equal(first, 1);
    assert_int_equal(length, 1);
    length = (socklen_t)-1;
    assert_int_equal(getsockopt(kind->listener, SOL_SOCKET, SO_TYPE, &second, &length), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(getsockopt(kind->listener, SOL_SOCKET, 9999, &second, &length), -1);
}

static void what_a_listener_cannot_fails(void **state)
{
    struct kind *kind = *state;
    struct sockaddr_storage address = kind->address;
    socklen_t length = sizeof address;
    char byte;
    assert_int_equal(getpeername(kind->listener, (struct sockaddr *)&address, &length), -1);
    assert_int_equal(errno, ENOTCONN);
    address = kind->address;
    assert_int_equal(bind(kind->listener, (struct sockaddr *)&address, kind->length), -1);
    if (!kind->has_path) /* else the path is looked at first */
        assert_int_equal(errno, EINVAL);
    assert_int_equal(listen(kind->listener, 10), 0);
    assert_int_equal(read(kind->listener, &byte, 1), -1);
    assert_int_equal(recv(kind->listener, &byte, 1, MSG_PEEK), -1);
    assert_int_equal(send(kind->listener, "x", 1, MSG_NOSIGNAL), -1);
    length = (socklen_t)-1;
    assert_int_equal(getsockname(kind->listener, (struct sockaddr *)&address, &length), -1);
    assert_int_equal(errno, EINVAL);
    length = 2;
    assert_int_equal(getsockname(kind->listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(length, kind->length);
    serves(kind, kind->listener);
}

static void after_shutdown_accept_fails(void **state)
{
    struct kind *kind = *state;
    assert_int_equal(shutdown(kind->listener, SHUT_RDWR), 0);
    assert_int_equal(accept(kind->listener, NULL, NULL), -1);
    assert_int_equal(errno, EINVAL);
}

static void it_is_readable_and_never_writable(void **state)
{
    struct kind *kind = *state;
    struct pollfd ready = {kind->listener, POLLIN | POLLOUT | POLLRDHUP, 0};
    assert_int_equal(poll(&ready, 1, 0), 0);
    int client = client_of(kind);
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(ready.revents, POLLIN);
    close(accept(kind->listener, NULL, NULL));
    assert_int_equal(poll(&ready, 1, 0), 0);
    close(client);
}

/* An edge for each client that comes, none for one that still waits. */
static void edges_tell_of_new_clients(void **state)
{
    struct kind *kind = *state;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 77}, got;
    int set = epoll_create1(EPOLL_CLOEXEC), clients[2];
    assert_int_equal(fcntl(kind->listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, kind->listener, &event), 0);
    assert_int_equal(epoll_wait(set, &got, 1, 0), 0);
    for (int i = 0; i < 2; i++) {
        clients[i] = client_of(kind);
        assert_int_equal(epoll_wait(set, &got, 1, 10000), 1);
        assert_int_equal(got.events, EPOLLIN);
        assert_int_equal(got.data.u64, 77);
        assert_int_equal(epoll_wait(set, &got, 1, 0), 0);
    }
    for (int i = 0; i < 2; i++) {
        int connection = accept4(kind->listener, NULL, NULL, SOCK_NONBLOCK);
        assert_int_equal(fcntl(connection, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        close(connection);
        close(clients[i]);
    }
    assert_int_equal(accept(kind->listener, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    close(set);
}

/* Has a connection that is accepted now what was set on the listener? */
static bool is_inherited(const struct kind *kind)
{
    int client = client_of(kind), connection = accept(kind->listener, NULL, NULL);
    bool result = option_of(connection, SOL_SOCKET, SO_KEEPALIVE) == 1 &&
                  option_of(connection, IPPROTO_TCP, TCP_NODELAY) == 1;
    close(connection);
    close(client);
    return result;
}

/* In an instance it takes its time, which no program that sets them before it serves can tell. */
static void options_are_inherited(void **state)
{
    struct kind *kind = *state;
    int on = 1;
    assert_int_equal(setsockopt(kind->listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), 0);
    assert_int_equal(setsockopt(kind->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    assert_int_equal(option_of(kind->listener, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(kind->listener, IPPROTO_TCP, TCP_NODELAY), 1);
    for (int64_t end = now() + 10000000000; !is_inherited(kind);)
        assert_true(now() < end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(it_serves),
        WITH_ALL(its_options_are_a_listeners),
        WITH_ALL(what_a_listener_cannot_fails),
        WITH_ALL(after_shutdown_accept_fails),
        WITH_ALL(it_is_readable_and_never_writable),
        WITH_ALL(edges_tell_of_new_clients),
        WITH(options_are_inherited, v4),
        WITH(options_are_inherited, v6),
    };
    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
