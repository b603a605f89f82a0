/*
 * process_tree.h: everything below a process.
 *
 * Invariant: what is visited descends from the root at the moment it was looked at. A tree that
 * moves is only caught whole by who stops it; see sealing.h.
 *
 * Used by keepers and the supervisor. Reads /proc (task/TID/children, proc(5); all of /proc where
 * the kernel has no such file). Allocates.
 */
#pragma once

#include <sys/types.h>

/*
 * Calls `visit` for each process below `root`, parents first, not for `root` itself. Stops when
 * `visit` returns other than 0, and returns that; 0; or -errno.
 */
int process_tree_visit(pid_t root, int (*visit)(pid_t pid, void *context), void *context);

/* The same for each thread id of one process. */
int process_threads_visit(pid_t pid, int (*visit)(pid_t tid, void *context), void *context);
