/* transparent_waits.c: poll, select and epoll on listeners and connections; time-outs; masks. */
#include "transparent.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>

enum { MOMENT = 20 }; /* milliseconds */

static void took_a_moment(int64_t start)
{
    assert_true(now() - start >= (MOMENT - 2) * 1000000LL);
}

static void poll_waits_for_a_client(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd ready[2] = {{fixture->listener, POLLIN, 0}, {-1, POLLIN, 0}};
    int64_t start = now();
    assert_int_equal(poll(ready, 2, MOMENT), 0);
    took_a_moment(start);
    int client = connect_to(fixture);
    assert_int_equal(poll(ready, 2, 10000), 1);
    assert_int_equal(ready[0].revents, POLLIN);
    assert_int_equal(ready[1].revents, 0);
    int connection = accept(fixture->listener, NULL, NULL);
    struct pollfd writable = {connection, POLLIN | POLLOUT, 0};
    assert_int_equal(poll(&writable, 1, -1), 1);
    assert_int_equal(writable.revents, POLLOUT);
    close(client);
    assert_int_equal(poll(&writable, 1, -1), 1);
    assert_true(writable.revents & POLLIN);
    close(connection);
    writable.fd = connection;
    assert_int_equal(poll(&writable, 1, 0), 1);
    assert_int_equal(writable.revents, POLLNVAL);
    assert_int_equal(poll(NULL, 0, 0), 0);
}

static void ppoll_waits_for_a_client(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd ready = {fixture->listener, POLLIN, 0};
    struct timespec moment = {0, MOMENT * 1000000};
    sigset_t none;
    sigemptyset(&none);
    int64_t start = now();
    assert_int_equal(ppoll(&ready, 1, &moment, &none), 0);
    took_a_moment(start);
    assert_int_equal(moment.tv_nsec, MOMENT * 1000000);
    serve_one(fixture);
}

/* Linux writes back what is left of select's time; servers rely on it. */
static void select_waits_for_a_client(void **state)
{
    struct fixture *fixture = *state;
    fd_set ready;
    struct timeval moment = {0, MOMENT * 1000}, long_time = {20, 0};
    FD_ZERO(&ready);
    FD_SET(fixture->listener, &ready);
    int64_t start = now();
    assert_int_equal(select(fixture->listener + 1, &ready, NULL, NULL, &moment), 0);
    took_a_moment(start);
    assert_int_equal(moment.tv_sec + moment.tv_usec, 0);
    assert_false(FD_ISSET(fixture->listener, &ready));
    int client = connect_to(fixture);
    FD_SET(fixture->listener, &ready);
    assert_int_equal(select(fixture->listener + 1, &ready, NULL, NULL, &long_time), 1);
    assert_true(FD_ISSET(fixture->listener, &ready));
    assert_true(long_time.tv_sec >= 10);
    close(accept(fixture->listener, NULL, NULL));
    close(client);
    struct timespec at_once = {0, 0};
    FD_SET(fixture->listener, &ready);
    assert_int_equal(pselect(fixture->listener + 1, &ready, NULL, NULL, &at_once, NULL), 0);
}

static void epoll_waits_for_a_client(void **state)
{
    struct fixture *fixture = *state;
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, got[4];
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fixture->listener, &event), 0);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fixture->listener, &event), -1);
    assert_int_equal(errno, EEXIST);
    int64_t start = now();
    assert_int_equal(epoll_wait(set, got, 4, MOMENT), 0);
    took_a_moment(start);
    int client = connect_to(fixture);
    assert_int_equal(epoll_wait(set, got, 4, 10000), 1);
    assert_true(got[0].data.u64 == event.data.u64);
    assert_int_equal(epoll_pwait(set, got, 4, 10000, NULL), 1);
    int connection = accept4(fixture->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    event = (struct epoll_event){.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.fd = connection};
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, connection, &event), 0);
    assert_int_equal(write(client, "x", 1), 1);
    struct timespec long_time = {10, 0};
    assert_int_equal(epoll_pwait2(set, got, 4, &long_time, NULL), 1);
    assert_int_equal(got[0].data.fd, connection);
    assert_int_equal(epoll_wait(set, got, 4, 0), 0);
    event.events = EPOLLIN;
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_MOD, connection, &event), 0);
    assert_int_equal(epoll_wait(set, got, 4, 0), 1);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, connection, NULL), 0);
    assert_int_equal(epoll_wait(set, got, 4, 0), 0);
    assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, connection, NULL), -1);
    assert_int_equal(errno, ENOENT);
    close(connection);
    close(client);
    close(set);
}

static void wait_errors_are_the_kernels(void **state)
{
    struct fixture *fixture = *state;
    struct epoll_event event;
    int set = epoll_create1(EPOLL_CLOEXEC);
    fd_set closed;
    assert_int_equal(epoll_wait(set, &event, 0, 0), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(epoll_wait(fixture->listener, &event, 1, 0), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(epoll_wait(-1, &event, 1, 0), -1);
    assert_int_equal(errno, EBADF);
    close(set);
    FD_ZERO(&closed);
    FD_SET(set, &closed);
    assert_int_equal(select(set + 1, &closed, NULL, NULL, NULL), -1);
    assert_int_equal(errno, EBADF);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static int wait_by(int how, struct fixture *fixture, int set)
{
    struct pollfd ready = {fixture->listener, POLLIN, 0};
    struct epoll_event event;
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fixture->listener, &readable);
    switch (how) {
    case 0:
        return poll(&ready, 1, -1);
    case 1:
        return ppoll(&ready, 1, NULL, NULL);
    case 2:
        return select(fixture->listener + 1, &readable, NULL, NULL, NULL);
    case 3:
        return pselect(fixture->listener + 1, &readable, NULL, NULL, NULL, NULL);
    case 4:
        return epoll_wait(set, &event, 1, -1);
    default:
        return epoll_pwait(set, &event, 1, -1, NULL);
    }
}

/* signal(7): a wait for descriptors is interrupted whether or not SA_RESTART is set. */
static void signals_interrupt_waits(void **state)
{
    struct fixture *fixture = *state;
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(set, EPOLL_CTL_ADD, fixture->listener, &event);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int how = 0; how < 6; how++) {
        errno = 0;
        int result = wait_by(how, fixture, set);
        int error = errno;
        assert_int_equal(result, -1);
        assert_int_equal(error, EINTR);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    close(set);
}

/* A signal that is blocked but for the wait itself ends that wait, and its handler has run. */
static void ppoll_lets_its_signals_in(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd ready = {fixture->listener, POLLIN, 0};
    struct sigaction action = {.sa_handler = on_alarm};
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaction(SIGUSR1, &action, NULL);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    raise(SIGUSR1);
    assert_int_equal(poll(&ready, 1, 0), 0);
    assert_int_equal(ppoll(&ready, 1, NULL, &before), -1);
    assert_int_equal(errno, EINTR);
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_true(sigismember(&after, SIGUSR1));
    signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(poll_waits_for_a_client, open_listener),
        BOTH(ppoll_waits_for_a_client, open_listener),
        BOTH(select_waits_for_a_client, open_listener),
        BOTH(epoll_waits_for_a_client, open_listener),
        BOTH(wait_errors_are_the_kernels, open_listener),
        BOTH(signals_interrupt_waits, open_listener),
        BOTH(ppoll_lets_its_signals_in, open_listener),
    };
    return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
