/*
 * root.h: servers that confine themselves by chroot(2) when they have taken a client.
 *
 * Before the process serves its root directory is its own affair. From then on no thread has the
 * capability; a child that is a peer's for good may change its root once, with --chroot-ok, and so
 * can no thread or program that it makes. The name of the directory is the server's; where it
 * stands afterwards (chdir(2)) is, too. To ask for "/" changes nothing and is no change.
 *
 * Such a child has nobody whom it could tell that it was denied: it counts in memory that it shares
 * with the process that accepts, which tells when it turns to the next client. A hostile child can
 * make that one line of the log appear, and no more.
 */
#pragma once

#include <stdbool.h>

/* Once, in a process with scopes that is single-threaded. */
void root_prepare(void);

/* chroot(2): 0, or -1 with errno. */
int scope_chroot(const char *path);

/* Ahead of a new thread: a sealed process that makes one keeps its root directory. */
void root_stays(void);

/* In a process that turns to a client: was a child denied since the last time? The log says so. */
void root_tell_denials(void);
