/*
 * preload_library.h: where libwsapeer-preload.so is, and whether a server could load it.
 *
 * Invariant: the library is the one that belongs to this very command: found from where the command
 * itself lies, installed or in its build tree, never from the environment.
 *
 * Used by run.
 */
#pragma once

#include <stddef.h>

/*
 * Writes the library's absolute path to `path`. Returns 0, or -errno with one line in `message`
 * (what, on what, why, what to do) if it is not there or could not be preloaded: no regular file,
 * not readable, for another machine, on a file system without execution, or with a path that
 * LD_PRELOAD cannot express. Sizes in bytes.
 */
int preload_library_find(char *path, size_t size, char *message, size_t message_size);
