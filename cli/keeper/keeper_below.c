#include "cleanup.h"
#include "keeper_process.h"
#include "process_tree.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_ROUNDS = 20, QUIET_EACH_NS = 5000000 };

/* Our own children are ours to reap: until then their numbers are nobody else's. */
static int signal_child(pid_t pid, void *context)
{
    struct process_state state;

    if (process_state(pid, pid, &state) == 0 && state.parent == getpid())
        kill(pid, *(const int *)context);
    return 0;
}

void keeper_signal_children(int signal)
{
    process_tree_visit(getpid(), signal_child, &signal);
}

/* Somebody else may reap what is further down, and its number be used again, before we signal. */
static int signal_below(pid_t pid, void *context)
{
    cleanup_descriptor int process = (int)kernel_call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);

    if (process >= 0 && process_tree_contains(getpid(), pid))
        kernel_call(SYS_pidfd_send_signal, process, *(const int *)context, 0, 0, 0, 0);
    return 0;
}

void keeper_kill_below(void)
{
    int stop = SIGSTOP, end = SIGKILL;

    /* A stopped parent cannot be quicker than we are. */
    process_tree_visit(getpid(), signal_below, &stop);
    process_tree_visit(getpid(), signal_below, &end);
}

struct look {
    pid_t pid;
};

static int task_runs(pid_t tid, void *context)
{
    const struct look *look = context;
    struct process_state state;

    return process_state(look->pid, tid, &state) == 0 &&
           (state.letter == 'R' || state.letter == 'D');
}

static int process_runs(pid_t pid, void *context)
{
    struct look look = {pid};

    (void)context;
    return process_threads_visit(pid, task_runs, &look);
}

void keeper_await_quiet(void)
{
    static const struct timespec pause = {.tv_nsec = QUIET_EACH_NS};

    for (int i = 0; i < QUIET_ROUNDS; i++) {
        if (process_tree_visit(getpid(), process_runs, NULL) != 1)
            return;
        nanosleep(&pause, NULL);
    }
}
