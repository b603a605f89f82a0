/*
 * test_sealing.c: a tree of processes becomes one account's. Runs in tests/world. Every test is a
 * process of its own, which has the tree below it; what it asks the kernel, it asks by itself and
 * not by what it tests. A child that finds something wrong ends with the line as its status.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "keeper_process.h"
#include "process_tree.h"
#include "sealing.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ALICE = 1001, CAROL = 1003, STAFF = 2001, GUARD = 61500, PATIENCE_MS = 20000, SPINNERS = 4 };

/* Machines that came later have the general call alone. */
#ifndef SYS_epoll_wait
#define SYS_epoll_wait SYS_epoll_pwait
#endif

static const struct account alice = {
    .uid = ALICE, .gid = ALICE, .group_count = 2, .groups = {STAFF, ALICE}};

/* ---- what the tests use ---------------------------------------------------------------------- */

static void must(int ok, int line)
{
    if (!ok)
        _exit(line % 250 + 1);
}
#define MUST(condition) must(condition, __LINE__)

/* Shared by a test with all below it. */
static struct shared {
    int go[2];    /* a byte a reader */
    int ready[2]; /* a byte a process that is set up */
    volatile int stop;
    volatile uint64_t sums[SPINNERS];
} * shared;

static void in_a_child(void (*body)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        MUST(shared != MAP_FAILED && pipe(shared->go) == 0 && pipe(shared->ready) == 0);
        MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
        body();
        do {
            keeper_kill_below();
        } while (waitid(P_ALL, 0, NULL, WEXITED | __WALL) == 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %x: the failing line is %d modulo 250", status, WEXITSTATUS(status) - 1);
}

static void take_bytes(int descriptor, int count)
{
    char byte;

    while (count-- > 0) {
        struct pollfd set = {descriptor, POLLIN, 0};

        MUST(poll(&set, 1, PATIENCE_MS) == 1);
        MUST(read(descriptor, &byte, 1) == 1);
    }
}

static void give_bytes(int descriptor, int count)
{
    while (count-- > 0)
        MUST(write(descriptor, "x", 1) == 1);
}

static void await_go(void)
{
    char byte;

    MUST(read(shared->go[0], &byte, 1) == 1);
}

/* Returns when the task sleeps in the system call. */
static void await_call(pid_t tid, long call)
{
    char path[64], text[256];

    snprintf(path, sizeof path, "/proc/%d/syscall", (int)tid);
    for (int i = 0; i < PATIENCE_MS; i++) {
        cleanup_descriptor int file = open(path, O_RDONLY);
        ssize_t size = read(file, text, sizeof text - 1);

        MUST(size > 0);
        text[size] = '\0';
        if (text[0] != 'r' && strtol(text, NULL, 10) == call)
            return;
        usleep(1000);
    }
    MUST(!"it sleeps");
}

static void await_state(pid_t pid, char letter)
{
    struct process_state state = {0};

    for (int i = 0; i < PATIENCE_MS && state.letter != letter; i++) {
        MUST(process_state(pid, pid, &state) == 0);
        usleep(1000);
    }
    MUST(state.letter == letter);
}

static pid_t start(void (*body)(void))
{
    pid_t child = fork();

    MUST(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        _exit(0);
    }
    return child;
}

static void must_end_well(pid_t child)
{
    siginfo_t end = {0};

    while (waitid(P_PID, (id_t)child, &end, WEXITED | __WALL) < 0)
        MUST(errno == EINTR);
    if (end.si_code != CLD_EXITED || end.si_status != 0)
        fprintf(stderr, "a child's end: %d, status %d\n", end.si_code, end.si_status);
    MUST(end.si_code == CLD_EXITED && end.si_status == 0);
}

static int counted;

static int must_be_alices(pid_t tid, void *context)
{
    static const char *const lines[] = {"\nUid:\t1001\t1001\t1001\t1001\n",
        "\nGid:\t1001\t1001\t1001\t1001\n", "\nGroups:\t1001 2001 \n",
        "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n",
        "\nCapEff:\t0000000000000000\n", "\nCapAmb:\t0000000000000000\n"};
    char path[64], text[4096];
    ssize_t size;
    cleanup_descriptor int file = -1;

    snprintf(path, sizeof path, "/proc/%d/task/%d/status", *(pid_t *)context, (int)tid);
    file = open(path, O_RDONLY);
    size = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    if (strstr(text, "\nState:\tZ") || strstr(text, "\nState:\tX"))
        return 0;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(text, lines[i]))
            fprintf(stderr, "not%s%s", lines[i], text);
        MUST(strstr(text, lines[i]) != NULL);
    }
    if (!strstr(text, "\nTracerPid:\t0\n"))
        fprintf(stderr, "traced: %s", text);
    MUST(strstr(text, "\nTracerPid:\t0\n") != NULL);
    counted++;
    return 0;
}

static int must_all_be_alices(pid_t pid, void *context)
{
    (void)context;
    return process_threads_visit(pid, must_be_alices, &pid);
}

/* Seals, and looks at every task. Returns how many there are. */
static int seal(void)
{
    char text[256];
    int error = sealing_seal(&alice, text, sizeof text);

    if (error < 0)
        fprintf(stderr, "%s\n", text);
    MUST(error == 0);
    counted = 0;
    MUST(process_tree_visit(getpid(), must_all_be_alices, NULL) == 0);
    return counted;
}

/* ---- what waits, goes on --------------------------------------------------------------------- */

static void read_pipe(void)
{
    await_go();
    MUST(getuid() == ALICE && geteuid() == ALICE);
    MUST(setuid(0) < 0 && setgroups(0, NULL) < 0);
}

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

    MUST(epoll_ctl(set, EPOLL_CTL_ADD, shared->go[0], &event) == 0);
    do {
        ready = epoll_wait(set, &event, 1, -1);
        MUST(ready == 1 || errno == EINTR);
    } while (ready != 1);
    await_go();
    MUST(getuid() == ALICE);
}

static volatile sig_atomic_t caught;

static void catch (int signal)
{
    caught = signal;
}

static void wait_for_signal(void)
{
    sigset_t usr1, before, none;

    signal(SIGUSR1, catch);
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
    pid_t reader = start(read_pipe), sleeper = start(sleep_on), waiter = start(wait_by_epoll),
          suspended = start(wait_for_signal);

    await_call(reader, SYS_read);
    await_call(sleeper, SYS_clock_nanosleep);
    await_call(waiter, SYS_epoll_wait);
    await_call(suspended, SYS_rt_sigsuspend);
    MUST(seal() == 4);
    await_call(suspended, SYS_rt_sigsuspend);
    await_call(reader, SYS_read);
    kill(suspended, SIGUSR1);
    give_bytes(shared->go[1], 2);
    must_end_well(reader);
    must_end_well(sleeper);
    must_end_well(waiter);
    must_end_well(suspended);
}

/* ---- threads --------------------------------------------------------------------------------- */

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
    give_bytes(shared->ready[1], 1);
    for (; !shared->stop; rounds++)
        sum = next_sum(sum);
    while (rounds-- > 0)
        check = next_sum(check);
    MUST(sum == check);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    MUST(sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGTRAP) == 1);
    shared->sums[number] = sum;
    return NULL;
}

static void have_threads(void)
{
    pthread_t threads[SPINNERS];

    for (intptr_t i = 0; i < SPINNERS; i++)
        MUST(pthread_create(&threads[i], NULL, spin, (void *)i) == 0);
    await_go();
    shared->stop = 1;
    for (int i = 0; i < SPINNERS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    MUST(getuid() == ALICE);
}

static void every_thread(void)
{
    pid_t child = start(have_threads);

    take_bytes(shared->ready[0], SPINNERS);
    MUST(seal() == SPINNERS + 1);
    give_bytes(shared->go[1], 1);
    must_end_well(child);
    for (int i = 0; i < SPINNERS; i++)
        MUST(shared->sums[i] != 0);
}

/* ---- families -------------------------------------------------------------------------------- */

static void have_family(void)
{
    pid_t child = start(read_pipe);

    if (fork() == 0) { /* a daemon, whose parent ends */
        setsid();
        if (fork() != 0)
            _exit(0);
        give_bytes(shared->ready[1], 1);
        read_pipe();
        _exit(0);
    }
    give_bytes(shared->ready[1], 1);
    read_pipe();
    must_end_well(child);
}

static void children_and_orphans(void)
{
    pid_t child = start(have_family);

    take_bytes(shared->ready[0], 2);
    MUST(seal() >= 3);
    give_bytes(shared->go[1], 3);
    must_end_well(child);
}

static bool vfork_ends; /* by itself, after a while */

static int be_vfork_child(void *argument)
{
    static const struct timespec a_while = {.tv_nsec = 100000000};

    (void)argument;
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
    await_call(parent, SYS_clone);
    MUST(seal() >= 1);
    give_bytes(shared->go[1], 1);
    must_end_well(parent);
}

/* What it would still have could be anybody's by the time it comes back. */
static void parents_in_vfork_for_ever(void)
{
    char text[256];
    pid_t parent;

    vfork_ends = false;
    parent = start(vfork_and_wait);
    await_call(parent, SYS_clone);
    MUST(sealing_seal(&alice, text, sizeof text) == -EAGAIN);
    MUST(strstr(text, "vfork") != NULL);
}

static void run_static(void)
{
    char go[16], ready[16];

    snprintf(go, sizeof go, "%d", shared->go[0]);
    snprintf(ready, sizeof ready, "%d", shared->ready[1]);
    execl(STATIC_PROGRAM, "static", go, ready, NULL);
    MUST(!"it was executed");
}

static void static_programs(void)
{
    pid_t child = start(run_static);

    take_bytes(shared->ready[0], 1);
    MUST(seal() == 1);
    give_bytes(shared->go[1], 1);
    must_end_well(child);
}

/* ---- what moves, and what does not ----------------------------------------------------------- */

static void stopped_processes(void)
{
    pid_t child = start(read_pipe);
    struct process_state state = {0};
    siginfo_t stop;
    int unread;

    await_call(child, SYS_read);
    kill(child, SIGSTOP);
    MUST(waitid(P_PID, (id_t)child, &stop, WSTOPPED) == 0);
    MUST(seal() == 1);
    await_state(child, 'T');
    give_bytes(shared->go[1], 1);
    MUST(process_state(child, child, &state) == 0 && state.letter == 'T');
    MUST(ioctl(shared->go[0], FIONREAD, &unread) == 0 && unread == 1);
    kill(child, SIGCONT);
    must_end_well(child);
}

/* Never fewer than two, each but the first from a fork of the last. */
static void fork_rapidly(void)
{
    for (unsigned i = 0;; i++) {
        pid_t child = fork();

        if (i == 2)
            give_bytes(shared->ready[1], 1);
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
            give_bytes(shared->ready[1], 1);
    }
}

static void clone_untraced(void)
{
    for (unsigned i = 0;; i++) {
        long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);

        if (i == 2)
            give_bytes(shared->ready[1], 1);
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
            give_bytes(shared->ready[1], 1);
    }
}

static void forking_processes(void)
{
    start(fork_rapidly);
    start(fork_and_reap);
    start(thread_rapidly);
    start(clone_untraced);
    take_bytes(shared->ready[0], 4);
    for (int i = 0; i < 20; i++) {
        siginfo_t end;

        MUST(seal() >= 1);
        do {
            end.si_pid = 0;
        } while (waitid(P_ALL, 0, &end, WEXITED | WNOHANG | __WALL) == 0 && end.si_pid != 0);
    }
}

/* ---- details --------------------------------------------------------------------------------- */

static void keep_details(void)
{
    long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), after;
    int death_signal = 0;
    struct sigaction action;

    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    signal(SIGTRAP, SIG_IGN);
    read_pipe();
    after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    MUST(after != before || after < 0);
    MUST(prctl(PR_GET_PDEATHSIG, &death_signal) == 0 && death_signal == SIGUSR2);
    MUST(sigaction(SIGTRAP, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 && prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1);
    MUST(prctl(PR_GET_KEEPCAPS) == 0);
    signal(SIGTRAP, catch);
    give_bytes(shared->ready[1], 1);
    await_go();
    raise(SIGTRAP);
    MUST(caught == SIGTRAP);
}

static void details(void)
{
    pid_t child = start(keep_details);

    await_call(child, SYS_read);
    MUST(seal() == 1);
    give_bytes(shared->go[1], 1);
    take_bytes(shared->ready[0], 1);
    await_call(child, SYS_read);
    MUST(seal() == 1); /* it is alice's already */
    give_bytes(shared->go[1], 1);
    must_end_well(child);
}

/* As the library leaves a server that serves: nobody's ids, and the key. */
static void be_wrapped(void)
{
    enum { KEY = 1 << CAP_SETUID | 1 << CAP_SETGID };
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{.permitted = KEY, .inheritable = KEY}};

    MUST(prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0);
    MUST(setresgid(GUARD, GUARD, GUARD) == 0 && setresuid(GUARD, GUARD, GUARD) == 0);
    MUST(syscall(SYS_capset, &header, data) == 0);
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0);
    MUST(prctl(PR_SET_KEEPCAPS, 1) == 0);
    read_pipe();
}

static void wrapped_servers(void)
{
    pid_t child = start(be_wrapped);

    await_call(child, SYS_read);
    MUST(seal() == 1);
    give_bytes(shared->go[1], 1);
    must_end_well(child);
}

#if defined(__x86_64__)

/* Memory below the stack pointer is not the stack's alone in every language. */
static void watch_memory(void)
{
    enum { WATCHED = 32768, OWN = 512 };
    char *stack, byte;
    volatile char *end;
    long result;

    __asm__("mov %%rsp, %0" : "=r"(stack));
    end = stack - OWN;
    for (volatile char *at = end - WATCHED; at < end; at++)
        *at = 'w';
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_read), "D"((long)shared->go[0]), "S"(&byte), "d"(1L)
                     : "rcx", "r11", "memory");
    for (volatile char *at = end - WATCHED; at < end; at++) {
        if (*at != 'w')
            _exit(250);
    }
    MUST(result == 1);
}

static void memory(void)
{
    pid_t child = start(watch_memory);

    await_call(child, SYS_read);
    MUST(seal() == 1);
    give_bytes(shared->go[1], 1);
    must_end_well(child);
}

#endif

static void be_root(void)
{
    await_go();
    MUST(getuid() == 0 && getgroups(0, NULL) == 1 && getgid() == 0);
    MUST(chown("/proc/self/nothing", 1, 1) < 0 && errno == ENOENT);
    MUST(setuid(ALICE) == 0);
}

static void root(void)
{
    static const struct account account = {.group_count = 1, .groups = {0}};
    pid_t child = start(be_root);
    char text[256];

    await_call(child, SYS_read);
    MUST(sealing_seal(&account, text, sizeof text) == 0);
    give_bytes(shared->go[1], 1);
    must_end_well(child);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void be_carol(void)
{
    prctl(PR_SET_NAME, "carol\nhere");
    MUST(setgid(CAROL) == 0 && setuid(CAROL) == 0);
    await_go();
}

static void the_powerless(void)
{
    pid_t child = start(be_carol);
    char text[256], wanted[64];

    await_call(child, SYS_read);
    MUST(sealing_seal(&alice, text, sizeof text) == -EPERM);
    snprintf(wanted, sizeof wanted, "process %d (carol?here) ", (int)child);
    MUST(strncmp(text, wanted, strlen(wanted)) == 0);
}

static void nobody(void)
{
    static const struct account no_uid = {.uid = (uid_t)-1, .gid = ALICE},
                                no_gid = {.uid = ALICE, .gid = (gid_t)-1};
    char text[256];

    start(read_pipe);
    MUST(sealing_seal(&no_uid, text, sizeof text) == -EPERM);
    MUST(sealing_seal(&no_gid, text, sizeof text) == -EPERM);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        in_a_child(body);                                                                          \
    }

TEST(what_waits_goes_on, waits_go_on)
TEST(every_thread_is_sealed, every_thread)
TEST(children_and_orphans_are_sealed, children_and_orphans)
TEST(a_parent_in_vfork_is_sealed_when_it_has_returned, parents_in_vfork)
TEST(nothing_is_sealed_while_a_parent_is_in_vfork, parents_in_vfork_for_ever)
TEST(a_static_program_is_sealed, static_programs)
TEST(a_stopped_process_stays_stopped, stopped_processes)
TEST(what_forks_meanwhile_is_sealed, forking_processes)
TEST(details_are_kept, details)
TEST(a_wrapped_server_is_sealed, wrapped_servers)
#if defined(__x86_64__)
TEST(its_memory_is_as_it_was, memory)
#endif
TEST(root_can_be_an_account, root)
TEST(who_has_no_power_is_named, the_powerless)
TEST(nobody_is_no_account, nobody)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_on),
        cmocka_unit_test(every_thread_is_sealed),
        cmocka_unit_test(children_and_orphans_are_sealed),
        cmocka_unit_test(a_parent_in_vfork_is_sealed_when_it_has_returned),
        cmocka_unit_test(nothing_is_sealed_while_a_parent_is_in_vfork),
        cmocka_unit_test(a_static_program_is_sealed),
        cmocka_unit_test(a_stopped_process_stays_stopped),
        cmocka_unit_test(what_forks_meanwhile_is_sealed),
        cmocka_unit_test(details_are_kept),
        cmocka_unit_test(a_wrapped_server_is_sealed),
#if defined(__x86_64__)
        cmocka_unit_test(its_memory_is_as_it_was),
#endif
        cmocka_unit_test(root_can_be_an_account),
        cmocka_unit_test(who_has_no_power_is_named),
        cmocka_unit_test(nobody_is_no_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
