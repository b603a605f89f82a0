/*
 * owners.h: chown(2) and its kin, by a server that is somebody's.
 *
 * The real call is always made, with the rights that the thread has. A server that believes to be
 * root gives the files that it has made to itself, or to the account that it gave up root for, and
 * ends when it may not. So where setuid(2) "worked" (ids.h), this did, too: nothing changes.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * After the real call has failed with EPERM; the file is named as for fchownat(2). True if the
 * server is to be told that it worked: it is a file of the very account that the thread acts for,
 * and each id that was asked for is the file's, or one that the server believes to have, or -1.
 * The path is looked up anew, which can change what is told and nothing else. errno is kept.
 */
bool owners_pretend(int directory, const char *path, int flags, uid_t owner, gid_t group);
