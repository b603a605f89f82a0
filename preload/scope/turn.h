/*
 * turn.h: what becomes of a handler (handlers.h) that turns to the next client. Private to scope/.
 *
 * Invariant: it handles no other client: it ends, with status 0. One whose client is there, and
 * that only looks whether there are more, is told that there are none. One that has given its
 * client to a child is the parent still of which that child may ask something, or with which it
 * ends (PR_SET_PDEATHSIG), so it waits for the end of its children first, and its waits, in which
 * the server hears its children and its signals, go on meanwhile. What brought clients then stands
 * for a child (pidfd_open(2)), whose end wakes them.
 *
 * A handler with threads ends with the last of them: the one that turns ends by itself.
 *
 * Children are those of the calling thread, by proc_tid_children(5): where that cannot be read a
 * handler ends at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The process is a handler now, of the connection or datagram socket with this cookie. */
void turn_begin(uint64_t cookie);

/*
 * A call that would take the next client. 0 in every process that is no handler. In a handler:
 * -EAGAIN if the call would not wait, and the handler's own client is there; -EINTR after a signal
 * that ends calls; and otherwise it does not return.
 */
int turn_before_call(bool waits);

/*
 * A wait for the next client, and not for the handler's own. Returns in a handler if its client is
 * there and the wait has a limit, or if it has children, but for a wait by epoll(7).
 */
void turn_before_wait(bool by_epoll, bool limited);

/* A wait for the handler's own client, besides, by another socket than it came by. */
void turn_goes_on(void);
