/*
 * for_good.h: the command becomes an account before it executes a program as it.
 *
 * Invariant: after a return of 0 the process is the account in every id (real, effective, saved,
 * file system) and group; without a capability in any set that counts, unless the account is root;
 * and in a session keyring of its own. The kernel was asked for all of it afterwards. Every other
 * return means that nothing may be executed any more: the ids may be changed half way.
 *
 * The bounding set stays, and NO_NEW_PRIVS is not set: setuid programs work as after a login. Why
 * an empty bounding set would be worse is told in outside.h.
 *
 * Called by the command only, while it is single-threaded. Leaves errno alone.
 */
#pragma once

#include "account/account.h"

/*
 * Takes CAP_SETUID and CAP_SETGID, unless the process is that account and nothing else already:
 * then it is left alone. 0; -EPERM if they are missing, if an id is -1, or if the kernel did
 * something else than it was told; or the -errno of what failed.
 */
int credentials_become(const struct account *account);

/* Has this process any capability, so that it could become somebody else? */
bool credentials_may_change(void);
