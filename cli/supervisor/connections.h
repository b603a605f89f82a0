/*
 * connections.h: which of the connections that an instance was given does it still have open?
 *
 * Invariant: the answer is the kernel's (/proc/PID/fd of every process of the instance), not the
 * server's. While some are on their way through a stand-in (`under_way`), where nobody has them
 * open, none is taken for closed.
 *
 * Used by the supervisor, single-threaded. Costs a look at each descriptor of the instance, so it
 * is asked for when somebody wants to know (idle, list), and when more have been given than are
 * remembered.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct connections {
    ino_t *inodes; /* of the sockets, allocated */
    unsigned count, room;
};

/* `connection` is given to an instance. Without memory for it, it is not counted. */
void connections_note(struct connections *connections, int connection);

/* There is no room for another: forgets those that are closed, and makes room if most are not. */
bool connections_are_full(const struct connections *connections);
void connections_make_room(struct connections *connections, pid_t keeper, bool under_way);

/* How many are open among the processes below `keeper`. */
unsigned connections_count(struct connections *connections, pid_t keeper, bool under_way);

void connections_forget(struct connections *connections);
