/*
 * socket_name.h: the socket that --fd and --pid name, and who is at its other end.
 *
 * Invariant: the identity is asked for in the socket's own network namespace or not at all, and the
 * command is back in its own afterwards.
 *
 * Called by the subcommands that look at one socket. Single-threaded (it moves the thread between
 * network namespaces). Changes errno.
 */
#pragma once

#include "identity/identity.h"

#include <stddef.h>

struct socket_name {
    pid_t pid; /* 0: this process */
    int descriptor;
};

/*
 * Reads the argument of --fd or --pid: a decimal number and nothing else, of at least `lowest`.
 * 0 or -EINVAL.
 */
int socket_name_number(const char *text, int lowest, int *number);

/*
 * Gives a copy of the socket, close-on-exec and the caller's to close, in *copy, and its peer in
 * *identity (any kind). Returns 0, or -errno with one line in `message`, which holds `size` bytes:
 * there is no such process or descriptor, or it may not be looked at (*copy is -1 then); or it is
 * no connected socket.
 */
int socket_name_identify(const struct socket_name *name, int *copy, struct identity *identity,
    char *message, size_t size);
