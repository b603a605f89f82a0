/*
 * test_sealing_rest.c: a tree is sealed where all of it waits. Runs in tests/world.
 */
#include "sealing_tree.h"

#include "cleanup.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORK_NS = 3000000 };

static bool is_traced(void)
{
    char text[4096];
    cleanup_descriptor int file = open("/proc/thread-self/status", O_RDONLY);
    ssize_t size = read(file, text, sizeof text - 1);

    MUST(size > 0);
    text[size] = '\0';
    return !strstr(text, "\nTracerPid:\t0\n");
}

static int64_t processor_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

/* Returns in the middle of sealing, when the caller was stopped on its way and has gone on. */
static void work_until_stopped(void)
{
    int64_t end;

    give_bytes(tree_pipes.ready[1], 1);
    while (!is_traced())
        MUST(getuid() == 0);
    for (end = processor_ns() + WORK_NS; processor_ns() < end;)
        MUST(getuid() == 0);
}

/* Five trees, each of a process that has come to wait and one that works; so many tasks at last. */
static void seal_beside(void (*work)(void), int tasks)
{
    for (int i = 0; i < 5; i++) {
        pid_t waiter = start_to(read_pipe, SYS_read), worker = start(work);

        take_bytes(tree_pipes.ready[0], 1);
        MUST(seal() == tasks);
        give_bytes(tree_pipes.go[1], tasks);
        must_end_well(worker);
        must_end_well(waiter);
    }
}

/* ---- what is done in one go, with a wait behind it, is begun and ended as the same user ------ */

static void work_and_wait(void)
{
    work_until_stopped();
    MUST(getuid() == 0);
    read_pipe();
}

static void work(void)
{
    seal_beside(work_and_wait, 2);
}

static void work_with_signals(void)
{
    signal(SIGUSR1, catch_signal);
    work_until_stopped();
    for (int i = 0; i < 3; i++) {
        caught = 0;
        MUST(raise(SIGUSR1) == 0 && caught == SIGUSR1 && getuid() == 0);
    }
    read_pipe();
}

static void signals(void)
{
    seal_beside(work_with_signals, 2);
}

static void *read_in_thread(void *argument)
{
    read_pipe();
    return argument;
}

static void work_with_births(void)
{
    pthread_t thread;
    pid_t child;
    int status;

    work_until_stopped();
    MUST(pthread_create(&thread, NULL, read_in_thread, NULL) == 0 && getuid() == 0);
    child = fork();
    MUST(child >= 0 && getuid() == 0);
    if (child == 0) {
        read_pipe();
        _exit(0);
    }
    MUST(pthread_join(thread, NULL) == 0);
    MUST(waitpid(child, &status, 0) == child && status == 0);
    MUST(getuid() == ALICE);
}

static void births(void)
{
    pid_t worker = start(work_with_births);

    take_bytes(tree_pipes.ready[0], 1);
    MUST(seal() == 3);
    give_bytes(tree_pipes.go[1], 2);
    must_end_well(worker);
}

static int end_well(void *argument)
{
    return argument == NULL ? 0 : 1;
}

static void work_with_vfork(void)
{
    static _Alignas(16) char stack[65536];
    pid_t child;
    int status;

    work_until_stopped();
    child = clone(end_well, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0 && getuid() == 0);
    read_pipe();
}

static void vforks(void)
{
    seal_beside(work_with_vfork, 2);
}

/* ---- a program that is executed meanwhile ends all other threads ----------------------------- */

static void *work_and_execute(void *argument)
{
    char go[16], ready[16];

    work_until_stopped();
    snprintf(go, sizeof go, "%d", tree_pipes.go[0]);
    snprintf(ready, sizeof ready, "%d", tree_pipes.ready[1]);
    execl(STATIC_PROGRAM, "static", go, ready, NULL);
    MUST(!"it was executed");
    return argument;
}

static unsigned waiting;

static void *wait_in_thread(void *argument)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    pause();
    return argument;
}

/* Does not wait itself. */
static void have_threads_that_wait(void)
{
    pthread_t thread;

    for (int i = 0; i < 3; i++)
        MUST(pthread_create(&thread, NULL, wait_in_thread, NULL) == 0);
    while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) < 3)
        sched_yield();
}

static void execute_beside_threads(void)
{
    have_threads_that_wait();
    work_and_execute(NULL);
}

static void execute_beside_new_threads(void)
{
    work_until_stopped();
    have_threads_that_wait();
    work_and_execute(NULL);
}

static void execute_in_thread(void)
{
    pthread_t thread;

    have_threads_that_wait();
    MUST(pthread_create(&thread, NULL, work_and_execute, NULL) == 0);
    pause();
}

static void seal_what_executes(void (*body)(void), int bytes)
{
    for (int i = 0; i < 5; i++) {
        pid_t child = start(body);

        take_bytes(tree_pipes.ready[0], 1);
        MUST(seal() == 1);
        take_bytes(tree_pipes.ready[0], bytes - 1);
        give_bytes(tree_pipes.go[1], 1);
        must_end_well(child);
    }
}

static void executions(void)
{
    seal_what_executes(execute_beside_threads, 2);
    seal_what_executes(execute_beside_new_threads, 3);
    seal_what_executes(execute_in_thread, 2);
}

/* ---- what never rests ------------------------------------------------------------------------ */

static volatile int *counter; /* shared with the processes below */

static void count_until_sealed(void)
{
    give_bytes(tree_pipes.ready[1], 1);
    while (getuid() != ALICE)
        ++*counter;
}

static void make_counter(void)
{
    counter =
        mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(counter != MAP_FAILED);
}

static void work_without_end(void)
{
    pid_t worker;

    make_counter();
    worker = start(count_until_sealed);
    take_bytes(tree_pipes.ready[0], 1);
    MUST(seal() == 1);
    must_end_well(worker);
}

/* Whoever stopped it on its way does not want it to go on. */
static void stopped_work(void)
{
    pid_t worker;
    siginfo_t stop;
    int counted;

    make_counter();
    worker = start(count_until_sealed);
    take_bytes(tree_pipes.ready[0], 1);
    kill(worker, SIGSTOP);
    MUST(waitid(P_PID, (id_t)worker, &stop, WSTOPPED) == 0);
    counted = *counter;
    MUST(seal() == 1 && is_stopped(worker) && *counter == counted);
    kill(worker, SIGCONT);
    must_end_well(worker);
}

TREE_TEST(what_works_goes_on_until_it_waits, work)
TREE_TEST(its_signals_reach_it, signals)
TREE_TEST(what_is_born_meanwhile_is_sealed, births)
TREE_TEST(it_may_use_vfork, vforks)
TREE_TEST(it_may_execute_beside_threads_that_wait, executions)
TREE_TEST(what_never_rests_is_sealed_all_the_same, work_without_end)
TREE_TEST(what_was_stopped_on_its_way_does_not_go_on, stopped_work)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_works_goes_on_until_it_waits),
        cmocka_unit_test(its_signals_reach_it),
        cmocka_unit_test(what_is_born_meanwhile_is_sealed),
        cmocka_unit_test(it_may_use_vfork),
        cmocka_unit_test(it_may_execute_beside_threads_that_wait),
        cmocka_unit_test(what_never_rests_is_sealed_all_the_same),
        cmocka_unit_test(what_was_stopped_on_its_way_does_not_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
