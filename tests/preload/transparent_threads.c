/* transparent_threads.c: threads, their attributes and ends; waits for locks, conditions,
 * semaphores. */
#include "transparent.h"

#include <limits.h>
#include <semaphore.h>

enum { MOMENT = 20 }; /* milliseconds */

static void *give_back(void *argument)
{
    return argument;
}

static void *exit_with(void *argument)
{
    pthread_exit(argument);
}

static void a_threads_value_comes_back(void **state)
{
    (void)state;
    pthread_t thread;
    void *value = NULL;
    int here;
    errno = E2BIG;
    assert_int_equal(pthread_create(&thread, NULL, give_back, &here), 0);
    assert_int_equal(pthread_join(thread, &value), 0);
    assert_ptr_equal(value, &here);
    assert_int_equal(pthread_create(&thread, NULL, exit_with, &here), 0);
    assert_int_equal(pthread_join(thread, &value), 0);
    assert_ptr_equal(value, &here);
    assert_int_equal(errno, E2BIG);
}

static void *measure_stack(void *argument)
{
    pthread_attr_t attributes;
    size_t *size = argument;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, size);
    pthread_attr_destroy(&attributes);
    return NULL;
}

static void attributes_hold(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    size_t size = 0;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 1 << 20), 0);
    assert_int_equal(pthread_create(&thread, &attributes, measure_stack, &size), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(size >= 1 << 20 && size < 3 << 20);
    /* The smallest stack there may be must still do. */
    pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
    assert_int_equal(pthread_create(&thread, &attributes, give_back, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

static void *post(void *argument)
{
    sem_post(argument);
    return NULL;
}

static void a_detached_thread_runs(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    sem_t done;
    sem_init(&done, 0, 0);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    assert_int_equal(pthread_create(&thread, &attributes, post, &done), 0);
    assert_int_equal(sem_wait(&done), 0);
    pthread_attr_destroy(&attributes);
}

static void *blocked_signals(void *argument)
{
    pthread_sigmask(SIG_BLOCK, NULL, argument);
    return NULL;
}

static void a_thread_inherits_the_signal_mask(void **state)
{
    (void)state;
    sigset_t wanted, before, after;
    pthread_t thread;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &wanted, &before);
    assert_int_equal(pthread_create(&thread, NULL, blocked_signals, &after), 0);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_true(sigismember(&after, SIGUSR2));
    assert_false(sigismember(&after, SIGTERM));
}

static pthread_key_t key;
static int destroyed;

static void destroy(void *value)
{
    destroyed += *(int *)value;
}

static void *keep_value(void *argument)
{
    pthread_setspecific(key, argument);
    return NULL;
}

static void a_threads_own_values_are_destroyed(void **state)
{
    (void)state;
    pthread_t thread;
    int value = 5;
    assert_int_equal(pthread_key_create(&key, destroy), 0);
    assert_int_equal(pthread_create(&thread, NULL, keep_value, &value), 0);
    pthread_join(thread, NULL);
    assert_int_equal(destroyed, 5);
    pthread_key_delete(key);
}

static void *serve_in_thread(void *argument)
{
    int connection = (int)(intptr_t)argument;
    char byte = 0;
    if (read(connection, &byte, 1) == 1 && write(connection, &byte, 1) != 1)
        byte = 0;
    close(connection);
    return (void *)(intptr_t)byte;
}

static void a_thread_a_connection_serves(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 8 };
    int clients[COUNT];
    pthread_t threads[COUNT];
    for (int i = 0; i < COUNT; i++) {
        clients[i] = connect_to(fixture);
        intptr_t connection = accept(fixture->listener, NULL, NULL);
        assert_true(connection >= 0);
        int error = pthread_create(&threads[i], NULL, serve_in_thread, (void *)connection);
        assert_int_equal(error, 0);
    }
    for (int i = COUNT - 1; i >= 0; i--) {
        char sent = (char)('a' + i), got = 0;
        void *value;
        assert_int_equal(write(clients[i], &sent, 1), 1);
        assert_int_equal(read(clients[i], &got, 1), 1);
        assert_int_equal(pthread_join(threads[i], &value), 0);
        assert_int_equal(got, sent);
        assert_int_equal((intptr_t)value, sent);
        close(clients[i]);
    }
}

static void semaphores_time_out(void **state)
{
    (void)state;
    sem_t semaphore;
    sem_init(&semaphore, 0, 1);
    struct timespec soon = in_future(CLOCK_REALTIME, 10000);
    assert_int_equal(sem_timedwait(&semaphore, &soon), 0);
    assert_int_equal(sem_trywait(&semaphore), -1);
    assert_int_equal(errno, EAGAIN);
    int64_t start = now();
    soon = in_future(CLOCK_REALTIME, MOMENT);
    assert_int_equal(sem_timedwait(&semaphore, &soon), -1);
    assert_int_equal(errno, ETIMEDOUT);
    soon = in_future(CLOCK_MONOTONIC, MOMENT);
    assert_int_equal(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &soon), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_true(now() - start >= (2 * MOMENT - 4) * 1000000LL);
    sem_destroy(&semaphore);
}

static void conditions_time_out(void **state)
{
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    errno = E2BIG;
    struct timespec soon = in_future(CLOCK_REALTIME, MOMENT);
    assert_int_equal(pthread_cond_timedwait(&condition, &mutex, &soon), ETIMEDOUT);
    soon = in_future(CLOCK_MONOTONIC, MOMENT);
    int result = pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &soon);
    assert_int_equal(result, ETIMEDOUT);
    assert_int_equal(errno, E2BIG);
    assert_int_equal(pthread_mutex_trylock(&mutex), EBUSY);
    pthread_mutex_unlock(&mutex);
}

struct hand_over {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    int turn;
    pid_t tid;
};

static void *answer_turns(void *argument)
{
    struct hand_over *shared = argument;
    pthread_mutex_lock(&shared->mutex);
    for (int i = 0; i < 1000; i++) {
        while (shared->turn % 2 == 0)
            pthread_cond_wait(&shared->condition, &shared->mutex);
        shared->turn++;
        pthread_cond_signal(&shared->condition);
    }
    pthread_mutex_unlock(&shared->mutex);
    return NULL;
}

static void conditions_hand_over(void **state)
{
    (void)state;
    struct hand_over shared = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_turns, &shared), 0);
    pthread_mutex_lock(&shared.mutex);
    for (int i = 0; i < 1000; i++) {
        struct timespec late = in_future(CLOCK_REALTIME, 20000);
        shared.turn++;
        pthread_cond_signal(&shared.condition);
        while (shared.turn % 2 == 1)
            assert_int_equal(pthread_cond_timedwait(&shared.condition, &shared.mutex, &late), 0);
    }
    pthread_mutex_unlock(&shared.mutex);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(shared.turn, 2000);
}

static void leave(void *argument)
{
    struct hand_over *shared = argument;
    shared->turn = pthread_mutex_trylock(&shared->mutex) == EBUSY ? 1 : 2;
    pthread_mutex_unlock(&shared->mutex);
}

static void *wait_for_ever(void *argument)
{
    struct hand_over *shared = argument;
    pthread_mutex_lock(&shared->mutex);
    pthread_cleanup_push(leave, shared);
    shared->tid = gettid();
    pthread_cond_signal(&shared->condition);
    for (;;)
        pthread_cond_wait(&shared->condition, &shared->mutex);
    pthread_cleanup_pop(0);
    return NULL;
}

/* pthread_cond_wait(3): the cleanup handlers of a cancelled waiter run with the mutex held. */
static void a_cancelled_wait_holds_its_mutex(void **state)
{
    (void)state;
    struct hand_over shared = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    pthread_t thread;
    void *value;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, &shared), 0);
    pthread_mutex_lock(&shared.mutex);
    while (shared.tid == 0)
        pthread_cond_wait(&shared.condition, &shared.mutex);
    pthread_mutex_unlock(&shared.mutex);
    await_sleep(shared.tid);
    assert_int_equal(pthread_cancel(thread), 0);
    assert_int_equal(pthread_join(thread, &value), 0);
    assert_ptr_equal(value, PTHREAD_CANCELED);
    assert_int_equal(shared.turn, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_threads_value_comes_back),
        cmocka_unit_test(attributes_hold),
        cmocka_unit_test(a_detached_thread_runs),
        cmocka_unit_test(a_thread_inherits_the_signal_mask),
        cmocka_unit_test(a_threads_own_values_are_destroyed),
        BOTH(a_thread_a_connection_serves, open_listener),
        cmocka_unit_test(semaphores_time_out),
        cmocka_unit_test(conditions_time_out),
        cmocka_unit_test(conditions_hand_over),
        cmocka_unit_test(a_cancelled_wait_holds_its_mutex),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
