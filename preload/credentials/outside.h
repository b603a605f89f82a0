/*
 * outside.h: sealing a task that somebody else traces; the command's, never the library's.
 *
 * Invariant: the only code that makes another task change its ids. The task is stopped under
 * ptrace(2) before and after; its registers, its signal mask and what it was doing are as before.
 *
 * Needs no memory of the task but some below its stack pointer's red zone.
 *
 * The bounding set stays. With an empty one a setuid program that a sealed process executes would
 * be root without CAP_SETUID: its setgroups(2) fails, and its setuid(getuid()) succeeds but leaves
 * the saved id 0, by which whoever runs in it comes back to root (seen; NO_NEW_PRIVS would prevent
 * that, and every setuid program with it).
 */
#pragma once

#include "account/account.h"

#include <stdbool.h>

/*
 * The task is the caller's tracee by PTRACE_SEIZE with PTRACE_O_TRACESYSGOOD, in a
 * PTRACE_EVENT_STOP. Everything that shares its memory is stopped, too: what is in there for the
 * moment is done with its old rights. Uses static memory: one thread at a time.
 *
 * The stopped task `tid` becomes `account`: groups, gids, uids, KEEP_CAPS off, ambient set and all
 * capabilities cleared, a session keyring of its own, its parent-death signal as it was. A task
 * that is it already is left alone. For uid 0 the ids and groups alone are set. 0; -EPERM if the
 * task has not the capabilities for it; -ENOEXEC if it is no 64-bit task of this machine; or the
 * -errno of the call that failed.
 */
int credentials_seal_task(pid_t tid, const struct account *account);

/*
 * The stopped task: does it wait, in a call that the stop has interrupted? Not so if it was on its
 * way, in code of its own or in a call that was about to return.
 */
bool credentials_task_waits(pid_t tid);

/*
 * Is it? Asked of /proc: 0; -ESTALE if one id, group or capability is another; -ESRCH if the task
 * has ended.
 */
int credentials_task_is_sealed(pid_t pid, pid_t tid, const struct account *account);
