/*
 * main_signals.c: what is sent to a process is told to its watcher, before it comes, and its end
 * before its parent can know. Three processes: we, the one that is watched, and its watcher. Runs
 * in tests/world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main_signals.h"
#include "process_tree.h"

#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 10, MOMENT_MS = 50, SIGNALS = 8 };

/* What each has found out, for all three to read. */
static struct shared {
    atomic_bool is_ready, watches;
    atomic_int handled;       /* signals, by the watched */
    atomic_int told[SIGNALS]; /* to the watcher */
    atomic_int told_count;
    atomic_int handled_too_early;
    atomic_bool has_ended, ended_by_itself;
    sem_t news;  /* something of all that has changed */
    sem_t looks; /* the watcher may go on after the end */
} * shared;

static pid_t watched, watcher;

static void rest(long milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

static int hear_news(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    return sem_timedwait(&shared->news, &end);
}

#define await(condition)                                                                           \
    do {                                                                                           \
        while (!(condition))                                                                       \
            assert_int_equal(hear_news(), 0);                                                      \
    } while (0)

/* ---- the watched ------------------------------------------------------------------------------*/

static void handle(int signal)
{
    (void)signal;
    shared->handled++;
    sem_post(&shared->news);
}

static void leave(int signal)
{
    (void)signal;
    _exit(0);
}

_Noreturn static void be_watched(void)
{
    signal(SIGUSR2, leave);
    signal(SIGHUP, handle);
    signal(SIGUSR1, handle);
    shared->is_ready = true;
    sem_post(&shared->news);
    for (;;)
        pause();
}

/* ---- the watcher ------------------------------------------------------------------------------*/

static void signalled(void *context, int signal)
{
    int before = shared->handled;

    (void)context;
    rest(MOMENT_MS);
    shared->handled_too_early += shared->handled - before;
    shared->told[shared->told_count] = signal;
    shared->told_count++;
}

static void ended(void *context, bool by_itself)
{
    (void)context;
    shared->ended_by_itself = by_itself;
    shared->has_ended = true;
    sem_post(&shared->news);
    sem_wait(&shared->looks);
}

_Noreturn static void watch(void)
{
    const struct main_watcher callbacks = {signalled, ended, NULL};
    sigset_t child;
    int number;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    if (main_signals_watch(watched) < 0)
        _exit(1);
    shared->watches = true;
    sem_post(&shared->news);
    while (!shared->has_ended && sigwait(&child, &number) == 0)
        main_signals_take(watched, &callbacks);
    _exit(0);
}

/* ---- we ---------------------------------------------------------------------------------------*/

static int begin(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&shared->news, 1, 0);
    sem_init(&shared->looks, 1, 0);
    watched = fork();
    if (watched == 0)
        be_watched();
    watcher = fork();
    if (watcher == 0)
        watch();
    await(shared->is_ready && shared->watches);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sem_post(&shared->looks);
    kill(watched, SIGKILL);
    waitpid(watcher, NULL, 0);
    waitpid(watched, NULL, 0);
    munmap(shared, sizeof *shared);
    return 0;
}

static bool was_told(int signal)
{
    for (int i = 0; i < shared->told_count; i++)
        if (shared->told[i] == signal)
            return true;
    return false;
}

static void a_signal_is_told_before_it_comes(void **state)
{
    (void)state;
    kill(watched, SIGHUP);
    await(shared->handled == 1);
    assert_int_equal(shared->told[0], SIGHUP);
    assert_int_equal(shared->handled_too_early, 0);
}

static void of_two_signals_at_once_none_is_lost(void **state)
{
    (void)state;
    kill(watched, SIGHUP);
    kill(watched, SIGUSR1);
    await(shared->handled == 2);
    assert_int_equal(shared->told_count, 2);
    assert_true(was_told(SIGHUP) && was_told(SIGUSR1));
}

static char letter_of(pid_t pid)
{
    struct process_state state = {.letter = '?'};

    process_state(pid, pid, &state);
    return state.letter;
}

static void it_stops_and_goes_on_as_ever(void **state)
{
    int status = 0;

    (void)state;
    kill(watched, SIGSTOP);
    assert_int_equal(waitpid(watched, &status, WUNTRACED), watched); /* its parent sees it, too */
    assert_true(WIFSTOPPED(status));
    kill(watched, SIGHUP);
    rest(4L * MOMENT_MS);
    assert_int_equal(letter_of(watched), 't');
    assert_int_equal(shared->handled, 0);
    kill(watched, SIGCONT);
    await(shared->handled == 1);
    assert_true(was_told(SIGHUP));
    kill(watched, SIGUSR1);
    await(shared->handled == 2);
}

static void its_end_is_told_before_its_parent_knows(void **state)
{
    siginfo_t information = {.si_pid = 0};
    int status = 0;

    (void)state;
    kill(watched, SIGKILL);
    await(shared->has_ended);
    waitid(P_PID, (id_t)watched, &information, WEXITED | WNOHANG | WNOWAIT);
    sem_post(&shared->looks);
    assert_int_equal(information.si_pid, 0);
    assert_false(shared->ended_by_itself);
    assert_int_equal(waitpid(watched, &status, 0), watched);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void by_itself_it_ends_with_status_0(void **state)
{
    (void)state;
    sem_post(&shared->looks);
    kill(watched, SIGUSR2);
    await(shared->has_ended);
    assert_true(shared->ended_by_itself);
}

static void its_watcher_s_end_is_its_own(void **state)
{
    int status = 0;

    (void)state;
    kill(watcher, SIGKILL);
    assert_int_equal(waitpid(watched, &status, 0), watched);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_signal_is_told_before_it_comes, begin, end),
        cmocka_unit_test_setup_teardown(of_two_signals_at_once_none_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(it_stops_and_goes_on_as_ever, begin, end),
        cmocka_unit_test_setup_teardown(its_end_is_told_before_its_parent_knows, begin, end),
        cmocka_unit_test_setup_teardown(by_itself_it_ends_with_status_0, begin, end),
        cmocka_unit_test_setup_teardown(its_watcher_s_end_is_its_own, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
