#include "main_signals.h"

#include "process_tree.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEEPEST = 64 };

static bool lives(pid_t pid, struct process_state *state)
{
    return process_state(pid, pid, state) == 0 && state->letter != 'Z';
}

/* An orphan's new parent was there before us: it is none of the server's processes. */
static bool is_the_servers(const struct process_state *above, const struct process_state *below)
{
    struct process_state us;

    return process_state(getpid(), getpid(), &us) == 0 && above->started >= us.started &&
           above->session == below->session;
}

pid_t main_signals_find(pid_t run, pid_t pid)
{
    struct process_state own, above;

    if (lives(run, &above))
        return run;
    if (!lives(pid, &own))
        return 0;
    for (int depth = 0; depth < DEEPEST && own.parent > 1; depth++) {
        if (!lives(own.parent, &above) || !is_the_servers(&above, &own))
            break;
        pid = own.parent;
        own = above;
    }
    return pid;
}

int main_signals_watch(pid_t main)
{
    return ptrace(PTRACE_SEIZE, main, NULL, (void *)PTRACE_O_EXITKILL) < 0 ? -errno : 0;
}

static void go_on(pid_t main, int status, const struct main_watcher *watcher)
{
    int signal = status & 0xff, event = status >> 8;

    if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
        ptrace(PTRACE_LISTEN, main, NULL, NULL); /* stopped as by SIGSTOP, until SIGCONT */
        return;
    }
    if (event == 0)
        watcher->signalled(watcher->context, signal);
    ptrace(PTRACE_CONT, main, NULL, (void *)(long)(event == 0 ? signal : 0));
}

void main_signals_take(pid_t main, const struct main_watcher *watcher)
{
    for (;;) {
        siginfo_t is = {.si_pid = 0}, taken = {.si_pid = 0};
        const int kinds = WEXITED | WSTOPPED | WNOHANG | __WALL;

        if (waitid(P_PID, (id_t)main, &is, kinds | WNOWAIT) < 0 || is.si_pid == 0)
            return;
        if (is.si_code != CLD_TRAPPED) {
            /* Its parent does not know before we take it. */
            watcher->ended(watcher->context, is.si_code == CLD_EXITED && is.si_status == 0);
            waitid(P_PID, (id_t)main, &taken, WEXITED | WNOHANG | __WALL);
            return;
        }
        if (waitid(P_PID, (id_t)main, &taken, WSTOPPED | WNOHANG | __WALL) == 0 && taken.si_pid)
            go_on(main, taken.si_status, watcher);
    }
}
