/*
 * list_client.h: asks a supervisor for its instances.
 *
 * Invariant: what is believed comes from a process of root's or of the user whose process was
 * named, by the kernel's word (SO_PEERCRED of who listens): an abstract name is anybody's who binds
 * it first. Entries are in range and their names end, but may hold anything: escape them.
 *
 * Called by list.c. Waits a few seconds at most. Changes errno.
 */
#pragma once

#include "list_server.h"

#include <stddef.h>

/*
 * Gives the instances of the supervisor that `wsapeer run` with pid `run` has, in *entries: *count
 * of them, allocated, the caller's to free. Returns 0, or with one line in `message`, which holds
 * `size` bytes: -ENOENT: there is no such process or supervisor; -ETIMEDOUT: it does not answer;
 * any other -errno: it cannot be asked, may not be, or is not whom it should be.
 */
int list_client_ask(
    pid_t run, struct list_entry **entries, unsigned *count, char *message, size_t size);
