/*
 * test_identity_threads.c: many look-ups at once, by threads and by forked children, for different
 * users: none ever gets another's answer.
 */
#include "actor.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USERS = 8, MOST_THREADS = 24, LOOKUPS = 3000, FORKS = 60, CHILD_LOOKUPS = 20 };

static struct actor actors[USERS];
static int sockets[USERS];

static uid_t user(int i)
{
    return (uid_t)(5001 + i);
}

static int start(void **state)
{
    struct client client = {0};
    int listener = server_listen("127.0.0.1", 0, &client.remote);

    (void)state;
    for (int i = 0; i < USERS; i++) {
        actors[i] = actor_start(user(i), NULL);
        assert_int_equal(actor_connect(&actors[i], &client, NULL), 0);
        sockets[i] = server_accept(listener);
    }
    return close(listener);
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < USERS; i++) {
        actor_end(&actors[i]);
        close(sockets[i]);
    }
    return 0;
}

struct worker {
    pthread_t thread;
    int first;
    unsigned wrong, refused;
    atomic_bool stop;
};

static void look_up(struct worker *worker, int i)
{
    struct identity identity;

    if (identity_of_connection(sockets[i], &identity) != 0 || identity.kind != IDENTITY_USER)
        worker->refused++;
    else if (identity.uid != user(i))
        worker->wrong++;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < LOOKUPS; i++)
        look_up(worker, (worker->first + i / 100) % USERS);
    return NULL;
}

static void look_up_by(int threads)
{
    struct worker workers[MOST_THREADS] = {0};

    for (int i = 0; i < threads; i++) {
        workers[i].first = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].refused, 0);
    }
}

/*
 * With one socket shared by all threads and no slot taken, answers went to whoever read first: the
 * rules for tuple and sequence number refused them, and most look-ups failed.
 */
static void eight_threads_never_mix(void **state)
{
    (void)state;
    look_up_by(8);
}

static void more_threads_than_kept_sockets(void **state)
{
    (void)state;
    look_up_by(MOST_THREADS);
}

static void *work_until_stopped(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; !atomic_load(&worker->stop); i++)
        look_up(worker, (worker->first + i) % USERS);
    return NULL;
}

/* In a child: look up at once with the parent's threads; the status tells. */
static void child(bool announced)
{
    struct worker worker = {0};

    if (announced)
        identity_after_fork();
    for (int i = 0; i < CHILD_LOOKUPS; i++)
        look_up(&worker, i % USERS);
    _exit((worker.wrong != 0) + 2 * (worker.refused != 0));
}

static void fork_meanwhile(bool announced)
{
    struct worker workers[4] = {0};

    for (int i = 0; i < 4; i++) {
        workers[i].first = i;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, work_until_stopped, &workers[i]), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = announced ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        int status;

        if (pid == 0)
            child(announced);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 4; i++) {
        atomic_store(&workers[i].stop, true);
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].refused, 0);
    }
}

static void fork_while_others_look_up(void **state)
{
    (void)state;
    fork_meanwhile(true);
}

/*
 * No handler runs for a raw clone. With the comparison of process ids taken out, child and parent
 * read each other's answers from the one socket, and both refused peers.
 */
static void clone_while_others_look_up(void **state)
{
    (void)state;
    fork_meanwhile(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(eight_threads_never_mix, start, end),
        cmocka_unit_test_setup_teardown(more_threads_than_kept_sockets, start, end),
        cmocka_unit_test_setup_teardown(fork_while_others_look_up, start, end),
        cmocka_unit_test_setup_teardown(clone_while_others_look_up, start, end),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
