#include "main_signals.h"

#include "process_stat.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { DEEPEST = 64 };

pid_t main_signals_find(pid_t run, pid_t pid)
{
    struct process_stat own, above;

    if (process_stat_read(run, &own) == 0 && own.state != 'Z')
        return run;
    for (int depth = 0; depth < DEEPEST; depth++) {
        if (process_stat_read(pid, &own) < 0 || process_stat_read(own.parent, &above) < 0 ||
            above.session != own.session)
            break;
        pid = own.parent;
    }
    return pid;
}

int main_signals_watch(pid_t main)
{
    return ptrace(PTRACE_SEIZE, main, NULL, (void *)PTRACE_O_EXITKILL) < 0 ? -errno : 0;
}

static void go_on(pid_t main, int status, void (*seen)(void *context, int signal), void *context)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (event == PTRACE_EVENT_STOP) {
        if (signal == SIGTRAP)
            ptrace(PTRACE_CONT, main, NULL, NULL);
        else
            ptrace(PTRACE_LISTEN, main, NULL, NULL); /* stopped as by SIGSTOP, until SIGCONT */
        return;
    }
    ptrace(PTRACE_CONT, main, NULL, (void *)(long)signal);
    seen(context, signal);
}

void main_signals_take(pid_t main, void (*seen)(void *context, int signal), void *context)
{
    int status;

    while (waitpid(main, &status, __WALL | WNOHANG) > 0)
        if (WIFSTOPPED(status))
            go_on(main, status, seen, context);
}
