/*
 * main_signals.h: --isolate=auto: what is sent to the server's first process goes to all instances.
 *
 * Its pid is run's, so that is where service managers, pid files and people send their signals, and
 * nothing but ptrace(2) tells another process of them. It is stopped for a moment at each signal
 * and then handles it as ever; it serves nobody, so nobody waits for it.
 *
 * Not seen: what it takes by sigwait(3) or signalfd(2), or by another thread than its first; nor
 * anything where a process may not be traced or a debugger has it. Used by the supervisor.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * The process that signals are sent to, of the tree that `pid` belongs to: run's, if it is still
 * there (0: it is not), or of a daemon the first of its session that is no older than the caller. 0
 * if there is no `pid` any more.
 */
pid_t main_signals_find(pid_t run, pid_t pid);

/*
 * Begins to watch; from then on it ends when the caller is killed: nobody would come to its
 * listeners. 0 or -errno (ptrace(2)): then signals to it are its own.
 */
int main_signals_watch(pid_t main);

struct main_watcher {
    /* Called before it gets the signal: what is done in here, it and its parent find done. */
    void (*signalled)(void *context, int signal);
    /* Called before its parent can learn of its end. `by_itself`: with status 0. */
    void (*ended)(void *context, bool by_itself);
    void *context;
};

/* SIGCHLD came: tells what has come to it since, and lets it go on. */
void main_signals_take(pid_t main, const struct main_watcher *watcher);
