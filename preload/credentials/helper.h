/*
 * helper.h: the credentials of the resolver, the process that stands beside the server.
 *
 * Invariant: after a return of 0 the calling process has no id, no group and no capability but what
 * was asked for, and cannot come back; every other return means that it must end. Called by the
 * command only, before the resolver hears its first request, while it is single-threaded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Why this process cannot serve each peer with its own credentials: a static line of English that
 * names what is missing, or NULL if nothing is. Changes nothing.
 */
const char *credentials_missing_privilege(void);

/* Clears the ambient set, so that what is executed next gets nothing from it. 0 or -errno. */
int credentials_clear_ambient(void);

/*
 * Makes `uid` and `gid` all ids of the process for good, leaves it no supplementary group, and of
 * its capabilities those in `keep` (a mask of 1 << CAP_X; one that it never had is not missed).
 * Sets NO_NEW_PRIVS. Reads everything back. Returns 0, -EINVAL for an id that is 0 or -1, -EPERM if
 * the kernel did something else than it was told, or the -errno of what failed.
 */
int credentials_become_helper(uid_t uid, gid_t gid, uint64_t keep);

/* Gives up every capability that is left. 0 or -errno. */
int credentials_helper_finish(void);
