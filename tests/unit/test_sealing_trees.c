/*
 * test_sealing_trees.c: whatever is in a tree is sealed, also what is born and ends meanwhile. Runs
 * in tests/world.
 */
#include "sealing_tree.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- threads --------------------------------------------------------------------------------- */

enum { SPINNERS = 4 };

/* Shared with the process below. */
static struct {
    volatile int stop;
    volatile uint64_t sums[SPINNERS];
} * spun;

static uint64_t next_sum(uint64_t sum)
{
    return sum * 6364136223846793005U + 1442695040888963407U;
}

/* Counts its rounds twice: in a register, and by a sum that one wrong register spoils. */
static void *spin(void *argument)
{
    int number = (int)(intptr_t)argument;
    uint64_t sum = 1, check = 1, rounds = 0;
    sigset_t all, now;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    give_bytes(tree_pipes.ready[1], 1);
    for (; !spun->stop; rounds++)
        sum = next_sum(sum);
    while (rounds-- > 0)
        check = next_sum(check);
    MUST(sum == check);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    MUST(sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGTRAP) == 1);
    spun->sums[number] = sum;
    return NULL;
}

static void have_threads(void)
{
    pthread_t threads[SPINNERS];

    for (intptr_t i = 0; i < SPINNERS; i++)
        MUST(pthread_create(&threads[i], NULL, spin, (void *)i) == 0);
    await_go();
    spun->stop = 1;
    for (int i = 0; i < SPINNERS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    MUST(getuid() == ALICE);
}

static void every_thread(void)
{
    pid_t child;

    spun = mmap(NULL, sizeof *spun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(spun != MAP_FAILED);
    child = start(have_threads);
    take_bytes(tree_pipes.ready[0], SPINNERS);
    MUST(seal() == SPINNERS + 1);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
    for (int i = 0; i < SPINNERS; i++)
        MUST(spun->sums[i] != 0);
}

/* ---- families -------------------------------------------------------------------------------- */

static void have_family(void)
{
    pid_t child = start(read_pipe);

    if (fork() == 0) { /* a daemon, whose parent ends */
        setsid();
        if (fork() != 0)
            _exit(0);
        give_bytes(tree_pipes.ready[1], 1);
        read_pipe();
        _exit(0);
    }
    give_bytes(tree_pipes.ready[1], 1);
    read_pipe();
    must_end_well(child);
}

static void children_and_orphans(void)
{
    pid_t child = start(have_family);

    take_bytes(tree_pipes.ready[0], 2);
    MUST(seal() >= 3);
    give_bytes(tree_pipes.go[1], 3);
    must_end_well(child);
}

static void run_static(void)
{
    char go[16], ready[16];

    snprintf(go, sizeof go, "%d", tree_pipes.go[0]);
    snprintf(ready, sizeof ready, "%d", tree_pipes.ready[1]);
    execl(STATIC_PROGRAM, "static", go, ready, NULL);
    MUST(!"it was executed");
}

static void static_programs(void)
{
    pid_t child = start(run_static);

    take_bytes(tree_pipes.ready[0], 1);
    MUST(seal() == 1);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
}

/* ---- what moves ------------------------------------------------------------------------------ */

static void fork_rapidly(void)
{
    for (unsigned i = 0;; i++) {
        pid_t child = fork();

        if (i == 2)
            give_bytes(tree_pipes.ready[1], 1);
        if (child > 0)
            _exit(0);
    }
}

static void fork_and_reap(void)
{
    for (unsigned i = 0;; i++) {
        pid_t child = fork();

        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
        if (i == 2)
            give_bytes(tree_pipes.ready[1], 1);
    }
}

static void clone_untraced(void)
{
    for (unsigned i = 0;; i++) {
        long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);

        if (i == 2)
            give_bytes(tree_pipes.ready[1], 1);
        if (child > 0)
            _exit(0);
    }
}

static void *end_at_once(void *argument)
{
    return argument;
}

static void thread_rapidly(void)
{
    for (unsigned i = 0;; i++) {
        pthread_t thread;

        MUST(pthread_create(&thread, NULL, end_at_once, NULL) == 0);
        pthread_join(thread, NULL);
        if (i == 2)
            give_bytes(tree_pipes.ready[1], 1);
    }
}

static void forking_processes(void)
{
    start(fork_rapidly);
    start(fork_and_reap);
    start(thread_rapidly);
    start(clone_untraced);
    take_bytes(tree_pipes.ready[0], 4);
    for (int i = 0; i < 10; i++) {
        siginfo_t end;

        MUST(seal() >= 1);
        do {
            end.si_pid = 0;
        } while (waitid(P_ALL, 0, &end, WEXITED | WNOHANG | __WALL) == 0 && end.si_pid != 0);
    }
}

TREE_TEST(every_thread_is_sealed, every_thread)
TREE_TEST(children_and_orphans_are_sealed, children_and_orphans)
TREE_TEST(a_static_program_is_sealed, static_programs)
TREE_TEST(what_forks_meanwhile_is_sealed, forking_processes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_is_sealed),
        cmocka_unit_test(children_and_orphans_are_sealed),
        cmocka_unit_test(a_static_program_is_sealed),
        cmocka_unit_test(what_forks_meanwhile_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
