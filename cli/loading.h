/*
 * loading.h: proof that the library was loaded into the server.
 *
 * LD_PRELOAD fails open: a loader that cannot or will not load the library says "ignored" and runs
 * the server, as root and unwrapped. So the resolver traces the process that run is (ptrace(2))
 * over its execve and puts a breakpoint where the program's own code begins (AT_ENTRY). The dynamic
 * loader and every constructor run before that, the library's greeting among them.
 *
 * Invariant: a server that reaches its first instruction without having greeted never executes it.
 * Where a process may not be traced (a debugger has it, a container forbids it), a server that has
 * not greeted LOADING_GRACE_MS after its execve is killed. A proved server is left as if it had
 * never been traced.
 *
 * Used by the resolver. Begin before privileges are dropped; afterwards it takes CAP_KILL at most.
 */
#pragma once

#include "resolver.h"

enum { LOADING_GRACE_MS = 3000 };

enum loading_state {
    LOADING_WAITS,  /* for the execve, or for the greeting */
    LOADING_PROVED, /* greeted */
    LOADING_OVER,   /* the server has ended, by our hand or otherwise */
};

struct loading {
    enum loading_state state;
    pid_t server;
    int process;         /* pidfd of the server */
    bool traced;         /* else it is a matter of time */
    const char *library; /* its path, to find out why it was not loaded */
    unsigned long entry; /* where the breakpoint stands, after the execve */
    long covered;        /* the word that it stands in */
    int64_t deadline;    /* when not traced, after the execve: milliseconds of the clock, else 0 */
};

/* Begins to watch `server`, which has not executed anything yet. 0 or -errno (pidfd_open(2)). */
int loading_begin(struct loading *loading, pid_t server, const char *library);

/* The server has executed its program, or ended: its close-on-exec descriptor is closed. */
void loading_executed(struct loading *loading);

/* SIGCHLD came: judges every stop of the server, hearing first what it has sent. */
void loading_child_changed(struct loading *loading, struct resolver *resolver);

/* Something was received or time has passed: is it proved, or too late? */
void loading_check(struct loading *loading, struct resolver *resolver);

/*
 * Nobody will greet any more. A process that has executed nothing is let go; a server that has not
 * been proved ends with its tracer.
 */
void loading_end(struct loading *loading);

/* Milliseconds after which loading_check() is due, -1 for never. */
int loading_timeout(const struct loading *loading);
