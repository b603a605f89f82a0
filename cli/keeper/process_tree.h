/*
 * process_tree.h: everything below a process.
 *
 * Invariant: what is visited descends from the root at the moment it was looked at. A tree that
 * moves is only caught whole by who stops it; see sealing.h.
 *
 * Used by keepers and the supervisor. Reads /proc (task/TID/children, proc(5); all of /proc where
 * the kernel has no such file), which must be that of the caller's own pid namespace. Allocates.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Calls `visit` for each process below `root`, parents first, not for `root` itself. A process's
 * children are looked for after it was visited: if `visit` stopped it, it has no others. Stops when
 * `visit` returns other than 0, and returns that; 0; or -errno. One whose parent changes meanwhile
 * may be visited twice.
 */
int process_tree_visit(pid_t root, int (*visit)(pid_t pid, void *context), void *context);

/*
 * Calls `visit` for each child that `parent` has when it is called, those that have ended and are
 * not waited for included. Returns as process_tree_visit() does.
 */
int process_children_visit(pid_t parent, int (*visit)(pid_t pid, void *context), void *context);

/* The same for each thread id of one process. */
int process_threads_visit(pid_t pid, int (*visit)(pid_t tid, void *context), void *context);

/*
 * Is `pid` below `root` now? False also when that cannot be found out, as while its ancestors end.
 * Who holds a pidfd from before the question knows then that the pidfd is of a process below.
 */
bool process_tree_contains(pid_t root, pid_t pid);

/* What proc(5) says of one task. 0, -ESRCH or another -errno. */
struct process_state {
    char letter; /* 'R', 'S', 'D', 'Z' … */
    pid_t parent, session;
    unsigned long long started; /* clock ticks after the machine was */
};
int process_state(pid_t pid, pid_t tid, struct process_state *state);

/* The effective user id of a process; (uid_t)-1 if it has ended. */
uid_t process_user(pid_t pid);

/* The name that a process gave itself, without what controls a terminal; "" if it has ended. */
enum { PROCESS_NAME_SIZE = 32 };
void process_name(pid_t pid, char name[PROCESS_NAME_SIZE]);
