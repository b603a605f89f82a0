/*
 * instance_tmp.h: --instance-tmp, a directory for temporary files that is one instance's own.
 *
 * It is .../wsapeer-NUMBER-XXXXXX/tmp, mode 0700, below TMPDIR or /tmp. The outer directory stays
 * root's, so that the account, whose the inner one becomes, can neither move it away nor put
 * something else in its place.
 *
 * Invariant: what is in it is a hostile user's who is at it meanwhile. Removing it follows no
 * symbolic link, crosses into no mount, goes down by descriptors and never up, to a bounded depth,
 * and removes nothing that does not hang below it. What cannot be removed so is left.
 *
 * Used by the supervisor, single-threaded, as root (or what may pass by modes of files). Changes
 * errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Makes the directory of instance `number`, ours for now, with its name in `path`, which holds
 * `size` bytes. Returns 0, or -errno with an empty path: -EPERM: somebody else could replace what
 * is made below TMPDIR (a directory on the way to it is another user's, or may be written by others
 * and is not sticky); -ENAMETOOLONG.
 */
int instance_tmp_make(unsigned number, char *path, size_t size);

/*
 * Removes what instance_tmp_make() has made and all that is in it; nothing is done for any other
 * path. Does not wait for more than a few thousand files: those beyond are removed by a child,
 * which holds none of our descriptors. Reap it when it has ended (SIGCHLD) and do not kill it.
 */
void instance_tmp_remove(const char *path);

/* Is this child one that still removes? Ask before an unknown child is killed. */
bool instance_tmp_is_remover(pid_t child);
