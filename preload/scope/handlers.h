/*
 * handlers.h: a sealed process for each connection or datagram (--isolate=connection); private to
 * scope/.
 *
 * Invariant: the process that accepts never acts for a peer. It forks at ground, and the process
 * that comes of it begins the peer's scope and is sealed before the server's code runs in it. It
 * ends when it turns to the next client.
 *
 * The server does not notice: the handler is no child of its process (it is forked twice), the
 * SIGCHLD of the step between is taken back, and what stdio(3) has in its buffers is written
 * before, once. The step is at ground as well, where no peer can stop it: the server waits for its
 * end. Whether a handler lives is told by a socket pair whose other end only it has; the accepting
 * process's end is wsapeer's own descriptor.
 *
 * For a process with one thread and no epoll set: others would be copied without what they need;
 * and for one that does not inherit orphans, whom it would never wait for.
 */
#pragma once

#include "scope/admission.h"

#include <stdbool.h>

/* Is this the mode, and does this process accept? */
bool handlers_are_wanted(void);

/* ACCOUNT_SERVED, or why a handler cannot be made for this account now. */
enum account_verdict handlers_verdict(const struct account *account);

/*
 * Waits until fewer than settings.max_processes handlers live, under the mask `signals` (NULL: the
 * thread's own). -EINTR after a signal that ends calls; if the call `may_wait` not, -EAGAIN after a
 * short while, so that the server has its turn and does not spin.
 */
int handlers_await_place(bool may_wait, const uint64_t *signals);

/*
 * Makes the handler of a peer that is to be served: in it `begin` begins the scope, whatever is the
 * verdict then is reported, and only if the peer is served the call returns: 0. In the process that
 * accepts it returns 1, or -EINTR when a signal has come that ends calls, or another -errno when
 * there is no handler. It is at ground.
 *
 * The caller has blocked signals, and restores their mask of before, `signals`, when what was the
 * peer's is gone: nobody jumps away before, and no signal is overlooked.
 */
int handlers_fork(int number, struct admission *admission,
    void (*begin)(int number, struct admission *admission), uint64_t signals);
