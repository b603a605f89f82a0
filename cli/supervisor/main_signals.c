#include "main_signals.h"

#include "process_tree.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { DEEPEST = 64 };

pid_t main_signals_find(pid_t run, pid_t pid)
{
    struct process_state own, above;

    if (process_state(run, run, &own) == 0 && own.letter != 'Z')
        return run;
    for (int depth = 0; depth < DEEPEST; depth++) {
        if (process_state(pid, pid, &own) < 0 ||
            process_state(own.parent, own.parent, &above) < 0 || above.session != own.session)
            break;
        pid = own.parent;
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
            watcher->ended(watcher->context); /* its parent does not know before we have it */
            waitid(P_PID, (id_t)main, &taken, WEXITED | WNOHANG | __WALL);
            return;
        }
        if (waitid(P_PID, (id_t)main, &taken, WSTOPPED | WNOHANG | __WALL) == 0 && taken.si_pid)
            go_on(main, taken.si_status, watcher);
    }
}
