/*
 * guard.h: ids that belong to nobody.
 *
 * Invariant: an id that guard_pick() gives is no account's and no group's, and no process had it
 * when it looked. Nobody can have started a process with it to be signalled, traced or read by one
 * of ours, and no file is its. Two services that start at once look from different places.
 *
 * Used by run alone, before it forks; uses NSS, allocates, changes errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Where they are taken from: journald and systemd take neither these for a person's nor for a
 * static service's (systemd, "Users, Groups, UIDs and GIDs": dynamic service users).
 */
enum { GUARD_FIRST = 61184, GUARD_LAST = 65519 };

/*
 * Fills `ids` with `count` different numbers, each free both as a user id and as a group id.
 * Returns 0, -ENOENT if there are not so many, or the -errno of /proc, of getrandom(2) or of a
 * directory that cannot tell.
 */
int guard_pick(uid_t ids[], size_t count);

/* One line of /proc/PID/status: marks the ids of Uid:, Gid: and Groups: in `used`, from
 * GUARD_FIRST. */
void guard_mark(const char *line, bool used[GUARD_LAST - GUARD_FIRST + 1]);
