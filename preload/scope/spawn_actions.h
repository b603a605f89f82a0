/*
 * spawn_actions.h: what posix_spawn(3)'s child copies before it executes. Private to scope/.
 *
 * libc carries the actions out where no hook sees them, and gives no way to read them. They stand
 * as spawn_int.h of glibc has had them since 2.2: a tag, then the numbers. Whether they do is
 * looked at once, on a list made for that; where they do not, no list with an action is allowed.
 */
#pragma once

#include <spawn.h>
#include <stdbool.h>

/* Once, at the start; allocates. */
void spawn_actions_prepare(void);

/* Do they copy nothing but what `may` allows? NULL is no action. Keeps errno. */
bool spawn_copies_only(const posix_spawn_file_actions_t *actions, bool (*may)(int number));
