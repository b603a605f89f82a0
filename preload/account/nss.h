/*
 * nss.h: accounts as the name service knows them (nsswitch.conf(5)).
 *
 * Invariant: ACCOUNT_SERVED means a complete account: its user id, its group id and every
 * supplementary group that the directory gives it. A directory that fails gives
 * ACCOUNT_DIRECTORY_ERROR, never an account with fewer groups.
 *
 * What can be told about a directory that fails:
 *  - getpwuid_r and its kin return 0 for "no such account" and an error number if the last service
 *    asked could not answer. glibc returns no number for a plain "not found", so every number is
 *    taken for a failure, those too that getpwnam_r(3) lists for other systems. A service that
 *    fails before another that says "not found" reads as ACCOUNT_UNKNOWN: a refusal as well.
 *  - getgrouplist(3) throws the status of each service away: a directory that is down looks like an
 *    account without groups. So the group services are set to stop at the first that is
 *    unavailable (this process only; an explicit [UNAVAIL=...] of the administrator stands), a
 *    group that nobody has is looked up before and after, which then gives that service's error,
 *    and errno is judged after getgrouplist. (Tried with nss_sss and nss_ldapd whose daemons are
 *    not there: both say ENOENT, which elsewhere means "not found".)
 *  - What cannot be told: a daemon that answers "not found" from its own cache while its server is
 *    away (sssd offline), and an initgroups: line naming a service that the group: line has not.
 *
 * Called by the command and the resolver, never inside a server: these functions load NSS modules,
 * allocate, open files, may block for as long as the directory does, and change errno. Call them
 * from one thread.
 */
#pragma once

#include "account/account.h"

#include <stddef.h>

/*
 * The whole account of a user id or a name. Returns ACCOUNT_SERVED, or ACCOUNT_UNKNOWN,
 * ACCOUNT_DIRECTORY_ERROR (*error is the errno, else 0), ACCOUNT_RESERVED_ID (uid or a gid is -1,
 * or the uid is overflowuid), ACCOUNT_TOO_MANY_GROUPS; then *account holds no groups and no id.
 */
enum account_verdict account_of_uid(uid_t uid, struct account *account, int *error);
enum account_verdict account_of_name(const char *name, struct account *account, int *error);

/*
 * The ids alone, without groups: what policy needs to read a rule or to admit at a gate. Verdicts
 * as above; `gid` may be NULL. For a group: ACCOUNT_UNKNOWN if there is none of that name.
 */
enum account_verdict account_ids_of_uid(uid_t uid, gid_t *gid, int *error);
enum account_verdict account_ids_of_name(const char *name, uid_t *uid, gid_t *gid, int *error);
enum account_verdict account_group_of_name(const char *name, gid_t *gid, int *error);

/*
 * The name of an id for people to read. Returns 0, -ENOENT if it has none, -ERANGE if it does not
 * fit `size` bytes, or another -errno. `name` is always NUL-terminated; empty on failure.
 */
int account_user_name(uid_t uid, char *name, size_t size);
int account_group_name(gid_t gid, char *name, size_t size);

/*
 * What a login would tell an account of itself. Returns 0, -ENOENT if there is no such account, or
 * another -errno; give it back with account_entry_free() after 0.
 */
struct account_entry {
    char *name, *home, *shell; /* in `memory`; any may be empty */
    char *memory;
};
int account_entry_of_uid(uid_t uid, struct account_entry *entry);
void account_entry_free(struct account_entry *entry);

/* Is `gid` the account's own group or one of its supplementary ones? */
bool account_has_group(const struct account *account, gid_t gid);

/* Is it (uid_t)-1 or overflowuid, as which the kernel shows every id that it cannot map? */
bool account_uid_is_reserved(uid_t uid);
