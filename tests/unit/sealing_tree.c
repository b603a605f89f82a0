#include "sealing_tree.h"

#include "cleanup.h"
#include "keeper_process.h"
#include "process_tree.h"
#include "sealing.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 20, MOST_ENDS = 64 };

const struct account alice = {
    .uid = ALICE, .gid = ALICE, .group_count = 2, .groups = {STAFF, ALICE}};

struct tree_pipes tree_pipes;
volatile sig_atomic_t caught;

void tree_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, condition, strerror(errno));
    _exit(1);
}

void tree_test(void (*body)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        MUST(pipe(tree_pipes.go) == 0 && pipe(tree_pipes.ready) == 0);
        MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
        body();
        do {
            keeper_kill_below();
        } while (waitid(P_ALL, 0, NULL, WEXITED | __WALL) == 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- the tree -------------------------------------------------------------------------------- */

void take_bytes(int descriptor, int count)
{
    char byte;

    while (count-- > 0) {
        struct pollfd set = {descriptor, POLLIN, 0};

        MUST(poll(&set, 1, PATIENCE_SECONDS * 1000) == 1);
        MUST(read(descriptor, &byte, 1) == 1);
    }
}

void give_bytes(int descriptor, int count)
{
    while (count-- > 0)
        MUST(write(descriptor, "x", 1) == 1);
}

void await_go(void)
{
    char byte;

    MUST(read(tree_pipes.go[0], &byte, 1) == 1);
}

void read_pipe(void)
{
    await_go();
    MUST(getuid() == ALICE && geteuid() == ALICE);
    MUST(setuid(0) < 0 && setgroups(0, NULL) < 0);
}

void catch_signal(int signal)
{
    caught = signal;
}

/* What has ended while something else was waited for. */
static siginfo_t ends[MOST_ENDS];
static int end_count;

static siginfo_t next_end(void)
{
    siginfo_t end = {0};

    alarm(PATIENCE_SECONDS);
    while (waitid(P_ALL, 0, &end, WEXITED | __WALL) < 0)
        MUST(errno == EINTR);
    alarm(0);
    return end;
}

void must_end_well(pid_t child)
{
    siginfo_t end = {0};

    for (int i = 0; i < end_count; i++)
        if (ends[i].si_pid == child)
            end = ends[i];
    while (end.si_pid != child) {
        end = next_end();
        MUST(end_count < MOST_ENDS);
        ends[end_count++] = end;
    }
    if (end.si_code != CLD_EXITED || end.si_status != 0)
        fprintf(stderr, "a child's end: %d, status %d\n", end.si_code, end.si_status);
    MUST(end.si_code == CLD_EXITED && end.si_status == 0);
}

/* ---- where a task is ------------------------------------------------------------------------- */

/* What the tracee has stopped for: a signal, and a PTRACE_EVENT_ in the byte above. */
static int await_stop(pid_t tid)
{
    int status;

    alarm(PATIENCE_SECONDS);
    MUST(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
    alarm(0);
    return status >> 8;
}

static int stop(pid_t tid)
{
    MUST(ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0);
    MUST(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0);
    return await_stop(tid);
}

static void let_go_to(pid_t tid, long call)
{
    struct __ptrace_syscall_info stop;

    MUST(ptrace(PTRACE_SETOPTIONS, tid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    do {
        MUST(ptrace(PTRACE_SYSCALL, tid, NULL, NULL) == 0);
        MUST(await_stop(tid) == (SIGTRAP | 0x80));
        MUST(ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof stop, &stop) > 0);
    } while (stop.op != PTRACE_SYSCALL_INFO_ENTRY || stop.entry.nr != (uint64_t)call);
    MUST(ptrace(PTRACE_DETACH, tid, NULL, NULL) == 0);
}

static pid_t start_child(void (*body)(void), bool traced)
{
    pid_t child = fork();

    MUST(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (traced)
            MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0);
        body();
        _exit(0);
    }
    return child;
}

pid_t start(void (*body)(void))
{
    return start_child(body, false);
}

pid_t start_to(void (*body)(void), long call)
{
    pid_t child = start_child(body, true);

    MUST(await_stop(child) == SIGSTOP);
    let_go_to(child, call);
    return child;
}

void await_call(pid_t tid, long call)
{
    MUST(stop(tid) == (SIGTRAP | PTRACE_EVENT_STOP << 8));
    let_go_to(tid, call);
}

bool is_stopped(pid_t pid)
{
    int stopped_for = stop(pid);

    MUST(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0);
    return stopped_for == (SIGSTOP | PTRACE_EVENT_STOP << 8);
}

/* ---- sealing --------------------------------------------------------------------------------- */

static int counted;

static int must_be_alices(pid_t tid, void *context)
{
    static const char *const lines[] = {"\nUid:\t1001\t1001\t1001\t1001\n",
        "\nGid:\t1001\t1001\t1001\t1001\n", "\nGroups:\t1001 2001 \n",
        "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n",
        "\nCapEff:\t0000000000000000\n", "\nCapAmb:\t0000000000000000\n", "\nTracerPid:\t0\n"};
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
    counted++;
    return 0;
}

static int must_all_be_alices(pid_t pid, void *context)
{
    (void)context;
    return process_threads_visit(pid, must_be_alices, &pid);
}

int seal(void)
{
    char text[256];
    int error = sealing_seal(&alice, NULL, NULL, text, sizeof text);

    if (error < 0)
        fprintf(stderr, "%s\n", text);
    MUST(error == 0);
    counted = 0;
    MUST(process_tree_visit(getpid(), must_all_be_alices, NULL) == 0);
    return counted;
}
