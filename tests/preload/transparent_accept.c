/* transparent_accept.c: accept(2) and accept4(2) behave as libc's own, errors and signals included.
 */
#include "transparent.h"

#include <sys/time.h>

static volatile sig_atomic_t ticks;
static const struct fixture *connect_at_tick;
static volatile sig_atomic_t late_client;

static void on_tick(int signal)
{
    int kept = errno;
    (void)signal;
    if (++ticks == 3 && connect_at_tick != NULL)
        late_client = connect_to(connect_at_tick);
    errno = kept;
}

/* Ticks come until stop_ticks(), so that one arrives while the call under test is blocked. */
static void start_ticks(int flags, const struct fixture *connect_to_at_third)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = flags};
    struct itimerval often = {{0, 10000}, {0, 10000}};
    ticks = 0;
    late_client = -1;
    connect_at_tick = connect_to_at_third;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void stop_ticks(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
}

static void a_signal_without_restart_interrupts_accept(void **state)
{
    struct fixture *fixture = *state;
    start_ticks(0, NULL);
    int connection = accept(fixture->listener, NULL, NULL);
    int error = errno;
    stop_ticks();
    assert_int_equal(connection, -1);
    assert_int_equal(error, EINTR);
    serve_one(fixture);
}

static void a_signal_with_restart_does_not(void **state)
{
    struct fixture *fixture = *state;
    start_ticks(SA_RESTART, fixture);
    int connection = accept(fixture->listener, NULL, NULL);
    stop_ticks();
    assert_true(connection >= 0);
    assert_true(ticks >= 3);
    close(connection);
    close(late_client);
}

/* socket(7): a time-out on the listener ends accept with EAGAIN, and makes no signal restart it. */
static void a_receive_timeout_ends_accept(void **state)
{
    struct fixture *fixture = *state;
    struct timeval timeout = {0, 30000};
    setsockopt(fixture->listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    int64_t start = now();
    assert_int_equal(accept(fixture->listener, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_true(now() - start >= 25000000);
    serve_one(fixture);
}

static void a_receive_timeout_keeps_accept_from_restarting(void **state)
{
    struct fixture *fixture = *state;
    struct timeval timeout = {20, 0};
    setsockopt(fixture->listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    start_ticks(SA_RESTART, NULL);
    int connection = accept(fixture->listener, NULL, NULL);
    int error = errno;
    stop_ticks();
    assert_int_equal(connection, -1);
    assert_int_equal(error, EINTR);
}

static void a_non_blocking_listener_says_eagain(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fcntl(fixture->listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(accept(fixture->listener, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC), -1);
    assert_int_equal(errno, EAGAIN);
    serve_one(fixture);
}

static void has_flags(int descriptor, bool close_on_exec, bool non_blocking)
{
    assert_true(descriptor >= 0);
    assert_int_equal(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, close_on_exec ? FD_CLOEXEC : 0);
    assert_int_equal(fcntl(descriptor, F_GETFL) & O_NONBLOCK, non_blocking ? O_NONBLOCK : 0);
    close(descriptor);
}

static void accept4_sets_the_flags_asked_for(void **state)
{
    struct fixture *fixture = *state;
    int clients[4];
    for (int i = 0; i < 4; i++)
        clients[i] = connect_to(fixture);
    has_flags(accept(fixture->listener, NULL, NULL), false, false);
    has_flags(accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC), true, false);
    has_flags(accept4(fixture->listener, NULL, NULL, SOCK_NONBLOCK), false, true);
    has_flags(accept4(fixture->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), true, true);
    assert_int_equal(accept4(fixture->listener, NULL, NULL, 0x40), -1);
    assert_int_equal(errno, EINVAL);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
}

/* The kernel fills what there is room for and tells the whole length. */
static void the_address_is_the_kernels(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_storage said, known;
    socklen_t said_length = sizeof said, known_length = sizeof known;
    int client = connect_to(fixture);
    int connection = accept(fixture->listener, (struct sockaddr *)&said, &said_length);
    assert_true(connection >= 0);
    assert_int_equal(getpeername(connection, (struct sockaddr *)&known, &known_length), 0);
    assert_int_equal(said_length, known_length);
    assert_memory_equal(&said, &known, known_length);
    close(connection);
    close(client);

    char small[8] = "-------";
    socklen_t small_length = 2;
    client = connect_to(fixture);
    connection = accept(fixture->listener, (struct sockaddr *)small, &small_length);
    assert_true(connection >= 0);
    assert_int_equal(small_length, known_length);
    assert_int_equal(small[2], '-');
    close(connection);
    close(client);
}

static void errors_are_the_kernels(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(accept(-1, NULL, NULL), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(accept(fixture->near, NULL, NULL), -1);
    assert_int_equal(errno, EINVAL);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(accept(null, NULL, NULL), -1);
    assert_int_equal(errno, ENOTSOCK);
    close(null);
}

static void success_leaves_errno_alone(void **state)
{
    struct fixture *fixture = *state;
    char bytes[4];
    int client = connect_to(fixture);
    errno = E2BIG;
    int connection = accept(fixture->listener, NULL, NULL);
    assert_int_equal(errno, E2BIG);
    assert_int_equal(write(client, "abcd", 4), 4);
    struct pollfd ready = {connection, POLLIN, 0};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(read(connection, bytes, 2), 2);
    assert_int_equal(recv(connection, bytes, 2, 0), 2);
    int copy = dup(connection);
    assert_int_equal(close(connection), 0);
    assert_int_equal(close(copy), 0);
    assert_int_equal(errno, E2BIG);
    close(client);
}

struct acceptor {
    const struct fixture *fixture;
    pthread_mutex_t mutex;
    pthread_cond_t started;
    pid_t tid;
    bool cleaned;
};

static void clean(void *argument)
{
    ((struct acceptor *)argument)->cleaned = true;
}

static void *accept_for_ever(void *argument)
{
    struct acceptor *acceptor = argument;
    pthread_cleanup_push(clean, acceptor);
    pthread_mutex_lock(&acceptor->mutex);
    acceptor->tid = gettid();
    pthread_cond_signal(&acceptor->started);
    pthread_mutex_unlock(&acceptor->mutex);
    int connection = accept(acceptor->fixture->listener, NULL, NULL);
    close(connection);
    pthread_cleanup_pop(0);
    return NULL;
}

static void a_thread_blocked_in_accept_can_be_cancelled(void **state)
{
    struct acceptor acceptor = {
        *state, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, accept_for_ever, &acceptor), 0);
    pthread_mutex_lock(&acceptor.mutex);
    while (acceptor.tid == 0)
        pthread_cond_wait(&acceptor.started, &acceptor.mutex);
    pthread_mutex_unlock(&acceptor.mutex);
    await_sleep(acceptor.tid);
    assert_int_equal(pthread_cancel(thread), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_true(acceptor.cleaned);
    serve_one(*state);
}

static void *accept_with_cancel_pending(void *argument)
{
    struct acceptor *acceptor = argument;
    pthread_cleanup_push(clean, acceptor);
    pthread_cancel(pthread_self());
    close(accept(acceptor->fixture->listener, NULL, NULL));
    pthread_cleanup_pop(0);
    return NULL;
}

/* A cancellation that came earlier takes effect at accept, and takes no client along. */
static void accept_is_a_cancellation_point(void **state)
{
    struct acceptor acceptor = {.fixture = *state};
    pthread_t thread;
    void *result;
    int client = connect_to(*state);
    assert_int_equal(pthread_create(&thread, NULL, accept_with_cancel_pending, &acceptor), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_true(acceptor.cleaned);
    int connection = accept(acceptor.fixture->listener, NULL, NULL);
    assert_true(connection >= 0);
    close(connection);
    close(client);
}

static void *accept_without_cancel(void *argument)
{
    struct acceptor *acceptor = argument;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cancel(pthread_self());
    close(accept(acceptor->fixture->listener, NULL, NULL));
    return acceptor;
}

static void a_thread_that_disabled_cancellation_is_not_cancelled(void **state)
{
    struct acceptor acceptor = {.fixture = *state};
    pthread_t thread;
    void *result;
    int client = connect_to(*state);
    assert_int_equal(pthread_create(&thread, NULL, accept_without_cancel, &acceptor), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &acceptor);
    close(client);
}

enum { WORKERS = 3, EACH = 4 };

static void serve_several(struct fixture *fixture)
{
    for (int i = 0; i < EACH; i++) {
        char byte;
        int connection = accept(fixture->listener, NULL, NULL);
        MUST(connection >= 0);
        MUST(read(connection, &byte, 1) == 1);
        MUST(write(connection, &byte, 1) == 1);
        close(connection);
    }
}

static void forked_children_accept(void **state)
{
    struct fixture *fixture = *state;
    pid_t workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        assert_true(workers[i] >= 0);
        if (workers[i] == 0) {
            serve_several(fixture);
            _exit(7);
        }
    }
    for (int i = 0; i < WORKERS * EACH; i++) {
        char sent = (char)('a' + i), got = 0;
        int client = connect_to(fixture);
        assert_int_equal(write(client, &sent, 1), 1);
        assert_int_equal(read(client, &got, 1), 1);
        assert_int_equal(sent, got);
        close(client);
    }
    for (int i = 0; i < WORKERS; i++) {
        int status;
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_signal_without_restart_interrupts_accept, open_listener),
        BOTH(a_signal_with_restart_does_not, open_listener),
        BOTH(a_receive_timeout_ends_accept, open_listener),
        BOTH(a_receive_timeout_keeps_accept_from_restarting, open_listener),
        BOTH(a_non_blocking_listener_says_eagain, open_listener),
        BOTH(accept4_sets_the_flags_asked_for, open_listener),
        BOTH(the_address_is_the_kernels, open_listener),
        BOTH(errors_are_the_kernels, open_connection),
        BOTH(success_leaves_errno_alone, open_listener),
        BOTH(a_thread_blocked_in_accept_can_be_cancelled, open_listener),
        BOTH(accept_is_a_cancellation_point, open_listener),
        BOTH(a_thread_that_disabled_cancellation_is_not_cancelled, open_listener),
        BOTH(forked_children_accept, open_listener),
    };
    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
