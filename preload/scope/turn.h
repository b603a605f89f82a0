/*
 * turn.h: what becomes of a handler (handlers.h) that turns to the next client. Private to scope/.
 *
 * Invariant: it handles no other client: it ends, with status 0. But one that has given its client
 * to a child is the parent still of which that child may ask something, or with which it ends
 * (PR_SET_PDEATHSIG), so it waits for the end of its children first, and its waits, in which the
 * server hears its children and its signals, go on meanwhile. What brought clients then stands for
 * a child (pidfd_open(2)), whose end wakes them.
 *
 * A handler with threads ends with the last of them: the one that turns ends by itself.
 *
 * Children are those of the calling thread, by proc_tid_children(5): where that cannot be read a
 * handler ends at once.
 */
#pragma once

#include <stdbool.h>

/*
 * A call that would take the next client. 0 in every process that is no handler; in a handler
 * -EINTR after a signal that ends calls, and otherwise it does not return.
 */
int turn_before_call(void);

/* A wait for the next client. Returns in a handler if it has children, but for one by epoll(7). */
void turn_before_wait(bool by_epoll);
