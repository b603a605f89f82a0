#include "sealing.h"

#include "cleanup.h"
#include "credentials/outside.h"
#include "process_tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOP_TIMEOUT_MS = 5000, GLANCE_NS = 1000000, GLANCES_IN_VFORK = 3 };

static const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                            PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;

enum task_state {
    TASK_INTERRUPTED, /* is to stop */
    TASK_STOPPED,
    TASK_LEFT, /* in vfork(2): stops when its child has gone on */
};

struct task {
    pid_t pid, tid; /* one number twice where the process is not known: a newborn */
    enum task_state state;
    unsigned glances; /* how often it was seen in vfork */
};

static struct sealing {
    struct account account;
    struct task *tasks; /* all that we trace */
    size_t count, capacity;
    size_t interrupted, left; /* how many are in these states */
    bool grew;
    char *text;
    size_t size;
} sealing;

/* ---- what went wrong ------------------------------------------------------------------------- */

static int complain(pid_t pid, int error, const char *what)
{
    char name[PROCESS_NAME_SIZE];

    process_name(pid, name);
    snprintf(sealing.text, sealing.size, "process %d (%s) %s: %s", (int)pid, name, what,
        strerror(-error));
    return error;
}

static int complain_of_seal(const struct task *task, int error)
{
    if (error == -EPERM)
        return complain(task->pid, error, "may not change its ids and groups");
    if (error == -ENOEXEC)
        return complain(task->pid, error, "has a thread that is no 64-bit code of its own");
    return complain(task->pid, error, "cannot be sealed");
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
        return complain(tid, error, "cannot be remembered");
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

static void forget(struct task *task)
{
    set_state(task, TASK_STOPPED);
    *task = sealing.tasks[--sealing.count];
}

/* ---- stopping -------------------------------------------------------------------------------- */

static bool has_ended(pid_t pid, pid_t tid)
{
    struct process_state state;
    int error = process_state(pid, tid, &state);

    return error == -ESRCH || (error == 0 && (state.letter == 'Z' || state.letter == 'X'));
}

static int stop_thread(pid_t tid, void *context)
{
    pid_t pid = *(const pid_t *)context;
    int error = 0;

    if (find(tid))
        return 0;
    if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) < 0)
        error = -errno;
    if (error < 0 && has_ended(pid, tid))
        return 0;
    /* A newborn is traced by us before we hear of it; who is traced by another cannot be ours. */
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 && error < 0)
        return has_ended(pid, tid) ? 0 : complain(pid, error, "cannot be traced");
    return add(pid, tid);
}

static int stop_process(pid_t pid, void *context)
{
    (void)context;
    return process_threads_visit(pid, stop_thread, &pid);
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

/*
 * Does it wait for its vfork child? The one wait of which it is certain that it ends in the task's
 * own code and nowhere else, and that nothing is done for it meanwhile.
 */
static bool is_in_vfork(const struct task *task)
{
    char path[64], text[64] = "";
    cleanup_descriptor int file = -1;
    long call;

    snprintf(path, sizeof path, "/proc/%d/syscall", (int)task->tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    if (file < 0 || kernel_read(file, text, sizeof text - 1) <= 0)
        return false;
    if (sscanf(text, "%ld", &call) != 1)
        return false;
#ifdef SYS_vfork
    if (call == SYS_vfork)
        return true;
#endif
    return call == SYS_clone || call == SYS_clone3;
}

/* Looks after what does not stop: it may have ended, and the child of a vfork may be stopped. */
static void glance_at(struct task *task)
{
    struct process_state state = {0};
    int error = process_state(task->pid, task->tid, &state);

    if (error == -ESRCH || state.letter == 'Z' || state.letter == 'X') {
        /* A thread is ours alone to reap, and an execve(2) in another may wait for that. */
        if (task->pid != task->tid)
            waitid(P_PID, (id_t)task->tid, NULL, WEXITED | WNOHANG | __WALL);
        forget(task);
    } else if (state.letter != 'D' || !is_in_vfork(task)) {
        task->glances = 0;
        ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
    } else if (++task->glances == GLANCES_IN_VFORK) {
        set_state(task, TASK_LEFT);
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

static int complain_of_time(void)
{
    for (size_t i = 0; i < sealing.count; i++) {
        if (sealing.tasks[i].state == TASK_INTERRUPTED)
            return complain(sealing.tasks[i].pid, -ETIMEDOUT, "cannot be stopped");
    }
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
        if (now_ms() >= deadline)
            return complain_of_time();
        if (sigtimedwait(&child, NULL, &glance) < 0) {
            for (size_t i = sealing.count; i-- > 0;) {
                if (sealing.tasks[i].state == TASK_INTERRUPTED)
                    glance_at(&sealing.tasks[i]);
            }
        }
        error = take_stops();
    }
    return error;
}

/* Once a look at everything, stopped, finds nothing new, there can be nothing new. */
static int stop_all(void)
{
    int64_t deadline = now_ms() + STOP_TIMEOUT_MS;
    int error;

    do {
        sealing.grew = false;
        error = process_tree_visit(getpid(), stop_process, NULL);
        if (error == 0)
            error = await_stops(deadline);
        else if (sealing.text[0] == '\0')
            snprintf(sealing.text, sealing.size, "cannot read /proc: %s", strerror(-error));
    } while (error == 0 && sealing.grew);
    return error;
}

/* ---- sealing --------------------------------------------------------------------------------- */

static int seal_stopped(int (*step)(const struct task *task))
{
    int error = 0;

    for (size_t i = sealing.count; error == 0 && i-- > 0;) {
        if (sealing.tasks[i].state != TASK_STOPPED)
            continue;
        error = step(&sealing.tasks[i]);
        if (error == -ESRCH) { /* killed */
            forget(&sealing.tasks[i]);
            error = 0;
        } else if (error < 0) {
            complain_of_seal(&sealing.tasks[i], error);
        }
    }
    return error;
}

static int seal_task(const struct task *task)
{
    return credentials_seal_task(task->tid, &sealing.account);
}

static int check_task(const struct task *task)
{
    return credentials_task_is_sealed(task->tid, task->tid, &sealing.account);
}

static void release_stopped(void)
{
    for (size_t i = sealing.count; i-- > 0;) {
        if (sealing.tasks[i].state == TASK_STOPPED) {
            ptrace(PTRACE_DETACH, sealing.tasks[i].tid, NULL, NULL);
            forget(&sealing.tasks[i]);
        }
    }
}

static int change_stopped(void)
{
    int error = seal_stopped(seal_task);

    if (error == 0)
        error = seal_stopped(check_task);
    if (error == 0)
        release_stopped();
    return error;
}

static void begin(char *text, size_t size)
{
    sealing.text = text;
    sealing.size = size;
    text[0] = '\0';
}

/* Everything is stopped first, also for one that is late: others could write to its memory. */
static int seal_all(void)
{
    sigset_t child, before;
    int error;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    error = stop_all();
    if (error == 0)
        error = change_stopped();
    sigprocmask(SIG_SETMASK, &before, NULL);
    return error;
}

int sealing_seal(const struct account *account, char *text, size_t size)
{
    begin(text, size);
    sealing.account = *account;
    return seal_all();
}

int sealing_settle(char *text, size_t size)
{
    size_t left;
    int error;

    begin(text, size);
    for (size_t i = sealing.count; i-- > 0;) {
        if (has_ended(sealing.tasks[i].pid, sealing.tasks[i].tid))
            forget(&sealing.tasks[i]);
    }
    left = sealing.left;
    if (left == 0)
        return 0;
    error = take_stops();
    return error < 0 || sealing.left == left ? error : seal_all();
}
