/*
 * handlers.h: a sealed process for each connection or datagram (--isolate=connection); private to
 * scope/.
 *
 * Invariant: in the process that accepts, no peer's scope reaches the server's own code: it begins,
 * a process is forked in it, and it ends, within one call. That process is the peer's for good
 * before the server's code runs in it, and it ends when it turns to the next client.
 *
 * The server does not notice: the handler is no child of its process (it is forked twice), the
 * SIGCHLD of the step between is taken back, and what stdio(3) has in its buffers is written
 * before, once. Whether a handler lives is told by a socket pair whose other end only it has; the
 * accepting process's end is wsapeer's own descriptor.
 *
 * For a process with one thread and no epoll set: others would be copied without what they need.
 */
#pragma once

#include <stdbool.h>

/* Is this the mode, and does this process accept? */
bool handlers_are_wanted(void);

/* May this process be forked for each connection: one thread, no epoll set? */
bool handlers_are_possible(void);

/* Waits until fewer than settings.max_processes handlers live. */
void handlers_await_place(void);

/*
 * In the peer's scope: makes its handler. 0 in the handler, 1 in the process that accepts, which is
 * still in the scope; -errno there, and nobody handles the peer.
 */
int handlers_fork(void);

/*
 * A handler that turns to the next client ends here, with status 0, as soon as threads that it made
 * have ended. Returns in every other process.
 */
void handlers_end(void);
