/*
 * test_sealing_waits.c: what a task waits in when its tree is sealed goes on, and what is stopped
 * stays so. Runs in tests/world.
 */
#include "sealing_tree.h"

#include "sealing.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Machines that came later have the general call alone. */
#ifndef SYS_epoll_wait
#define SYS_epoll_wait SYS_epoll_pwait
#endif

/* ---- calls ----------------------------------------------------------------------------------- */

static void sleep_on(void)
{
    static const struct timespec half = {.tv_nsec = 500000000};
    struct timespec left;

    MUST(nanosleep(&half, &left) == 0);
    MUST(getuid() == ALICE);
}

static void wait_by_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0), ready;

    MUST(epoll_ctl(set, EPOLL_CTL_ADD, tree_pipes.go[0], &event) == 0);
    do {
        ready = epoll_wait(set, &event, 1, -1);
        MUST(ready == 1 || errno == EINTR);
    } while (ready != 1);
    await_go();
    MUST(getuid() == ALICE);
}

static void wait_for_signal(void)
{
    sigset_t usr1, before, none;

    signal(SIGUSR1, catch_signal);
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
    MUST(sigsuspend(&none) < 0 && errno == EINTR && caught == SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, NULL, &before) == 0 && sigismember(&before, SIGUSR1));
    MUST(!sigismember(&before, SIGUSR2) && getuid() == ALICE);
}

static void waits_go_on(void)
{
    pid_t reader = start_to(read_pipe, SYS_read);
    pid_t waiter = start_to(wait_by_epoll, SYS_epoll_wait);
    pid_t suspended = start_to(wait_for_signal, SYS_rt_sigsuspend);
    pid_t sleeper = start_to(sleep_on, SYS_clock_nanosleep);

    MUST(seal() == 4);
    await_call(suspended, SYS_rt_sigsuspend);
    await_call(reader, SYS_read);
    kill(suspended, SIGUSR1);
    give_bytes(tree_pipes.go[1], 2);
    must_end_well(reader);
    must_end_well(sleeper);
    must_end_well(waiter);
    must_end_well(suspended);
}

/* ---- vfork ----------------------------------------------------------------------------------- */

static bool vfork_ends; /* by itself, after a while */

static int be_vfork_child(void *argument)
{
    static const struct timespec a_while = {.tv_nsec = 100000000};

    (void)argument;
    give_bytes(tree_pipes.ready[1], 1);
    if (!vfork_ends)
        pause();
    return nanosleep(&a_while, NULL) == 0 ? 0 : 1;
}

/* vfork(2) but for the stack: a sanitizer makes a fork(2) of that. */
static void vfork_and_wait(void)
{
    static _Alignas(16) char stack[65536];
    int status;
    pid_t child =
        clone(be_vfork_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

    MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    read_pipe();
}

static void parents_in_vfork(void)
{
    pid_t parent;

    vfork_ends = true;
    parent = start(vfork_and_wait);
    take_bytes(tree_pipes.ready[0], 1);
    MUST(seal() >= 1);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(parent);
}

/* What it would still have could be anybody's by the time it comes back. */
static void parents_in_vfork_for_ever(void)
{
    char text[256];

    vfork_ends = false;
    start(vfork_and_wait);
    take_bytes(tree_pipes.ready[0], 1);
    MUST(sealing_seal(&alice, NULL, NULL, text, sizeof text) == -EAGAIN);
    MUST(strstr(text, "vfork") != NULL);
}

/* ---- stops ----------------------------------------------------------------------------------- */

static void stopped_processes(void)
{
    pid_t child = start_to(read_pipe, SYS_read);
    siginfo_t stop;
    int unread;

    kill(child, SIGSTOP);
    MUST(waitid(P_PID, (id_t)child, &stop, WSTOPPED) == 0);
    MUST(seal() == 1);
    MUST(is_stopped(child));
    give_bytes(tree_pipes.go[1], 1);
    MUST(is_stopped(child));
    MUST(ioctl(tree_pipes.go[0], FIONREAD, &unread) == 0 && unread == 1);
    kill(child, SIGCONT);
    must_end_well(child);
}

TREE_TEST(what_waits_goes_on, waits_go_on)
TREE_TEST(a_parent_in_vfork_is_sealed_when_it_has_returned, parents_in_vfork)
TREE_TEST(nothing_is_sealed_while_a_parent_is_in_vfork, parents_in_vfork_for_ever)
TREE_TEST(a_stopped_process_stays_stopped, stopped_processes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_on),
        cmocka_unit_test(a_parent_in_vfork_is_sealed_when_it_has_returned),
        cmocka_unit_test(nothing_is_sealed_while_a_parent_is_in_vfork),
        cmocka_unit_test(a_stopped_process_stays_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
