/*
 * resolver_process.h: the resolver as a process beside the server.
 *
 * Invariant: it is nobody's child that the server could wait for, holds no descriptor of the
 * server's, no terminal, and no privilege beyond CAP_KILL until the library has greeted and none
 * afterwards; it outlives the signals that end the server, and ends when the last process that
 * holds the other end of the channel has gone.
 *
 * With --isolate=auto it keeps run's privilege, directory and descriptors until the server's first
 * wait for clients decides: then they go, or it becomes the supervisor, which needs them.
 *
 * Used by run, once, while single-threaded.
 */
#pragma once

#include "stamp.h"
#include "supervisor.h"

struct resolver_plan {
    const struct policy *policy;
    struct event_log *log;
    struct settings settings;
    const char *library;               /* the path of what the server must load */
    struct supervisor_plan *instances; /* --isolate=auto: what it becomes if it comes to that */
    const struct stamp *stamp;         /* kept open for as long as the server lives; NULL: none */
    uid_t helper; /* the resolver's own uid and gid, or (uid_t)-1: it keeps run's */
};

/*
 * Starts the resolver and returns when it is ready to answer. *channel is the server's end, close
 * on exec as yet; *tie another descriptor that must stay open until execve(2) closes it, which is
 * how the resolver knows. Both are the caller's: give them back with resolver_stop().
 * Returns 0, or -errno with what failed in `message`, which holds `size` bytes.
 */
int resolver_start(
    const struct resolver_plan *plan, int *channel, int *tie, char *message, size_t size);

/*
 * Nothing will be executed after all: closes both descriptors, of which there must be no duplicate
 * left, and returns when the resolver has ended and traces this process no longer.
 */
void resolver_stop(int channel, int tie);
