/*
 * sealing.h: a whole tree of processes becomes one account's, from outside.
 *
 * Invariant: when sealing_seal() returns 0, every thread of every process below the caller has the
 * account in each id, its groups, no capability, and a session keyring of its own; each was
 * stopped before the first was changed, none could be born meanwhile, and the kernel's own words
 * (/proc/PID/task/TID/status) were read afterwards. On any other return the tree must be killed:
 * some of it may be sealed and some not, and everything in it is stopped.
 *
 * It is stopped where every task waits for something, if such a moment comes soon: what is half way
 * through making a file would find that it may not finish.
 *
 * A thread that waits in the kernel for its vfork(2) child cannot be stopped there: nothing is
 * changed before it has come back, and what takes more than some seconds for that is not sealed.
 *
 * The tasks are stopped and made to issue the system calls by ptrace(2), whatever they are in the
 * middle of; the call that was interrupted goes on or fails with EINTR as after a stop and
 * continue (signal(7)). Processes that were stopped by SIGSTOP stay so. Used by a keeper, which is
 * the tracer and single-threaded. The ends of processes (WEXITED) are left for the caller to wait
 * for, with __WALL: also of such as are not its children, while it traces them.
 */
#pragma once

#include "account/account.h"

#include <stddef.h>

/* Between the stop and the first change. 0 or -errno, with which sealing_seal() returns then. */
typedef int sealing_look(void *context);

/*
 * Returns 0, or -errno with what and where in `text` ("process 12 (node) may not change its ids").
 * -ETIMEDOUT if something could not be stopped within five seconds, as what waits for a dead disk;
 * -EAGAIN if a thread did not come back from vfork(2). `look`, if it is not NULL, is called once
 * all of it is stopped, or more than once, and writes to `text` itself.
 */
int sealing_seal(
    const struct account *account, sealing_look *look, void *context, char *text, size_t size);
