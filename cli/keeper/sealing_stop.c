#include "sealing_stop.h"

#include "cleanup.h"
#include "clock.h"
#include "process_tree.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOP_TIMEOUT_MS = 5000, GLANCE_NS = 1000000, GLANCES_IN_VFORK = 3, TRIES = 5 };

static const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                            PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;

struct sealing sealing;

int sealing_complain(pid_t pid, int error, const char *what)
{
    char name[PROCESS_NAME_SIZE];

    process_name(pid, name);
    snprintf(sealing.text, sealing.size, "process %d (%s) %s: %s", (int)pid, name, what,
        strerror(-error));
    return error;
}

/* ---- the list of tasks ----------------------------------------------------------------------- */

static struct task *find(pid_t tid)
{
    for (size_t i = 0; i < sealing.count; i++) {
        if (sealing.tasks[i].tid == tid)
            return &sealing.tasks[i];
    }
    return NULL;
}

static int make_room(void)
{
    size_t capacity = sealing.capacity ? 2 * sealing.capacity : 64;
    struct task *larger;

    if (sealing.count < sealing.capacity)
        return 0;
    larger = reallocarray(sealing.tasks, capacity, sizeof *larger);
    if (!larger)
        return -ENOMEM;
    sealing.tasks = larger;
    sealing.capacity = capacity;
    return 0;
}

/* A task that we trace, and that will stop. */
static int add(pid_t pid, pid_t tid)
{
    int error = make_room();

    if (error < 0)
        return sealing_complain(tid, error, "cannot be remembered");
    sealing.tasks[sealing.count++] = (struct task){.pid = pid, .tid = tid};
    sealing.interrupted++;
    sealing.grew = true;
    return 0;
}

static void set_state(struct task *task, enum task_state state)
{
    sealing.interrupted -= task->state == TASK_INTERRUPTED;
    sealing.left -= task->state == TASK_LEFT;
    task->state = state;
    sealing.interrupted += state == TASK_INTERRUPTED;
    sealing.left += state == TASK_LEFT;
}

void sealing_forget(struct task *task)
{
    set_state(task, TASK_STOPPED);
    *task = sealing.tasks[--sealing.count];
}

/* ---- stopping -------------------------------------------------------------------------------- */

bool sealing_has_ended(pid_t pid, pid_t tid)
{
    struct process_state state;
    int error = process_state(pid, tid, &state);

    return error == -ESRCH || (error == 0 && (state.letter == 'Z' || state.letter == 'X'));
}

/*
 * One that ended may have done so while we looked, and its children have come to a parent at whom
 * we had looked already. A zombie that is there at two looks was one before the second.
 */
static bool note_ended(pid_t pid, pid_t tid)
{
    struct process_state state;
    int error = process_state(pid, tid, &state);

    if (error == 0 && state.letter != 'Z' && state.letter != 'X')
        return false;
    if (error == 0) {
        sealing.zombies++;
        sealing.zombies_numbers += (uint64_t)tid;
    } else {
        sealing.grew = true;
    }
    return error == 0 || error == -ESRCH;
}

/*
 * By an execve(2) another thread takes the number of the first one, which may have stopped: it is
 * in the kernel still, and stops before it executes anything.
 */
static void check_stopped(pid_t pid, struct task *task)
{
    struct process_state state;

    if (task->state != TASK_STOPPED || process_state(pid, task->tid, &state) < 0)
        return;
    if (state.letter == 't' || state.letter == 'Z' || state.letter == 'X')
        return;
    set_state(task, TASK_INTERRUPTED);
    sealing.grew = true;
}

/* It is tried again: by an execve(2) the number may become that of another thread of the process.
 */
static int stop_thread(pid_t tid, void *context)
{
    pid_t pid = *(const pid_t *)context;
    struct task *known = find(tid);
    int error = 0;

    if (known) {
        check_stopped(pid, known);
        return 0;
    }
    for (int i = 0; i < TRIES; i++) {
        error = ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) < 0 ? -errno : 0;
        if (error < 0 && note_ended(pid, tid))
            return 0;
        /* A newborn is traced by us before we hear of it. */
        if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 || error == 0)
            return add(pid, tid);
    }
    /* Who is traced by another cannot be ours. */
    return note_ended(pid, tid) ? 0 : sealing_complain(pid, error, "cannot be traced");
}

static int stop_process(pid_t pid, void *context)
{
    (void)context;
    return process_threads_visit(pid, stop_thread, &pid);
}

void sealing_go_on(struct task *task)
{
    set_state(task, TASK_INTERRUPTED);
    ptrace(PTRACE_CONT, task->tid, NULL, NULL);
}

/* To where nothing is half done: the next return from the kernel, before any code of its own. */
static void go_on_to_stop(struct task *task, int signal)
{
    set_state(task, TASK_INTERRUPTED);
    ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
    ptrace(PTRACE_CONT, task->tid, NULL, (void *)(long)signal);
}

/* Its parent told of it, or it stopped ahead of that. */
static int add_newborn(pid_t parent)
{
    unsigned long tid = 0;

    if (ptrace(PTRACE_GETEVENTMSG, parent, NULL, &tid) < 0 || tid == 0 || find((pid_t)tid))
        return 0;
    return add((pid_t)tid, (pid_t)tid);
}

static int judge_stop(pid_t tid, int status)
{
    int event = status >> 8, signal = event == 0 ? status : 0, error = 0;

    if (!find(tid))
        error = add(tid, tid);
    if (error < 0)
        return error;
    if (event == PTRACE_EVENT_STOP) {
        set_state(find(tid), TASK_STOPPED);
        find(tid)->held = (status & 0xff) != SIGTRAP;
        return 0;
    }
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
        error = add_newborn(tid);
    go_on_to_stop(find(tid), signal);
    return error;
}

/* Stops alone: what ends stays for the caller. A child of ours that is not traced is none of it. */
static int take_stops(void)
{
    int error = 0;

    while (error == 0) {
        siginfo_t information = {0};

        if (waitid(P_ALL, 0, &information, WSTOPPED | WNOHANG | __WALL) < 0 && errno != EINTR)
            return 0;
        if (information.si_pid == 0)
            return 0;
        if (information.si_code == CLD_TRAPPED)
            error = judge_stop(information.si_pid, information.si_status);
    }
    return error;
}

/* Who is interrupted when it has stopped already stops again, and has not got on at all. */
int sealing_interrupt(void)
{
    int error = take_stops();

    for (size_t i = 0; error == 0 && i < sealing.count; i++) {
        if (sealing.tasks[i].state == TASK_INTERRUPTED)
            ptrace(PTRACE_INTERRUPT, sealing.tasks[i].tid, NULL, NULL);
    }
    return error;
}

static bool has_child(const struct task *task)
{
    char path[64], byte;
    cleanup_descriptor int file = -1;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)task->tid, (int)task->tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    return file == -ENOENT || (file >= 0 && kernel_read(file, &byte, 1) == 1);
}

/*
 * Does it wait for its vfork child? The one wait of which it is certain that it ends in the task's
 * own code and nowhere else, and that nothing is done for it meanwhile.
 */
static bool is_in_vfork(const struct task *task)
{
    char path[64], text[64] = "";
    cleanup_descriptor int file = -1;
    unsigned long argument = 0;
    uint64_t flags = 0;
    struct iovec here = {&flags, sizeof flags}, there = {NULL, sizeof flags};
    long call = -1;

    snprintf(path, sizeof path, "/proc/%d/syscall", (int)task->tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    if (file < 0 || kernel_read(file, text, sizeof text - 1) <= 0)
        return false;
    if (sscanf(text, "%ld %lx", &call, &argument) < 1)
        return false;
    there.iov_base = (void *)argument;
    if (call == SYS_clone)
        flags = argument;
    else if (call == SYS_clone3 && process_vm_readv(task->tid, &here, 1, &there, 1, 0) < 0)
        return false;
#ifdef SYS_vfork
    if (call == SYS_vfork)
        flags = CLONE_VFORK;
#endif
    return (flags & CLONE_VFORK) && has_child(task);
}

static bool is_thread(pid_t tid)
{
    return kernel_call(SYS_tgkill, tid, tid, 0, 0, 0, 0) == -ESRCH;
}

/* A thread that has ended is ours alone to reap. */
static bool reap_thread(pid_t tid)
{
    siginfo_t end = {0};

    return is_thread(tid) && waitid(P_PID, (id_t)tid, &end, WEXITED | WNOHANG | __WALL) == 0 &&
           end.si_pid == tid;
}

/* Looks after what does not stop: it may have ended, and the child of a vfork may be stopped. */
static void glance_at(struct task *task)
{
    struct process_state state = {0};
    int error = process_state(task->pid, task->tid, &state);

    if (error == -ESRCH || state.letter == 'Z' || state.letter == 'X') {
        reap_thread(task->tid);
        sealing_forget(task);
        sealing.grew = true;
    } else if (state.letter == 't') {
        return; /* we shall hear of it */
    } else if (state.letter != 'D' || !is_in_vfork(task)) {
        task->glances = 0;
        ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
    } else if (++task->glances == GLANCES_IN_VFORK) {
        set_state(task, TASK_LEFT);
    }
}

/*
 * An execve(2) waits until every other thread of its process was reaped, and does not stop before;
 * those that had stopped were killed by it.
 */
static void glance_at_all(void)
{
    for (size_t i = sealing.count; i-- > 0;) {
        struct task *task = &sealing.tasks[i];

        if (task->state == TASK_INTERRUPTED)
            glance_at(task);
        else if (task->state == TASK_STOPPED && reap_thread(task->tid))
            sealing_forget(task);
    }
}

static int complain_of_time(void)
{
    for (size_t i = 0; i < sealing.count; i++) {
        if (sealing.tasks[i].state == TASK_INTERRUPTED)
            return sealing_complain(sealing.tasks[i].pid, -ETIMEDOUT, "cannot be stopped");
    }
    snprintf(
        sealing.text, sealing.size, "its processes fork and end faster than they can be stopped");
    return -ETIMEDOUT;
}

static int await_stops(int64_t deadline)
{
    static const struct timespec glance = {.tv_nsec = GLANCE_NS};
    sigset_t child;
    int error = take_stops();

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while (error == 0 && sealing.interrupted > 0) {
        if (clock_now() >= deadline)
            return complain_of_time();
        if (sigtimedwait(&child, NULL, &glance) < 0)
            glance_at_all();
        error = take_stops();
    }
    return error;
}

static int look(int64_t deadline)
{
    int error;

    sealing.grew = false;
    sealing.zombies = 0;
    sealing.zombies_numbers = 0;
    error = process_tree_visit(getpid(), stop_process, NULL);
    if (error == 0)
        return await_stops(deadline);
    if (sealing.text[0] == '\0')
        snprintf(sealing.text, sealing.size, "cannot read /proc: %s", strerror(-error));
    return error;
}

/*
 * Until a look finds what the one before found, all of it stopped or dead since then: nothing can
 * have been born meanwhile, nor have come to another parent.
 */
int sealing_stop_all(void)
{
    int64_t deadline = clock_now() + STOP_TIMEOUT_MS;
    size_t zombies;
    uint64_t numbers;
    int error = look(deadline);

    do {
        if (error == 0 && clock_now() >= deadline)
            error = complain_of_time();
        zombies = sealing.zombies;
        numbers = sealing.zombies_numbers;
        error = error < 0 ? error : look(deadline);
    } while (error == 0 &&
             (sealing.grew || sealing.zombies != zombies || sealing.zombies_numbers != numbers));
    return error;
}
