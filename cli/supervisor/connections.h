/*
 * connections.h: which of the connections that an instance was given does it still have open?
 *
 * Invariant: the answer is the kernel's (/proc/PID/fd of every process of the instance), not the
 * server's. While some are on their way through a stand-in (`under_way`), where nobody has them
 * open, none is taken for closed; nor while the instance has so many processes and descriptors that
 * looking at all of them would hold up the others.
 *
 * Used by the supervisor, single-threaded. Costs a look at each descriptor of the instance, so it
 * is asked for when somebody wants to know (idle, list), and when there is no room for another.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct connections {
    ino_t *inodes; /* of the sockets, allocated */
    unsigned count, room;
};

/* `connection` is given to an instance. Above 65536, or without memory for it, it is not counted.
 */
void connections_note(struct connections *connections, int connection);

/* Is there no room for another, so that a count may be worth its price? */
bool connections_are_full(const struct connections *connections);

/* Forgets those that are open no more among the processes below `keeper`; `count` is the rest. */
void connections_count(struct connections *connections, pid_t keeper, bool under_way);

void connections_forget(struct connections *connections);
