/*
 * supervisor.h: the questions of an instance; private to instance/.
 *
 * Each blocks no longer than the channel does (PROTOCOL_TIMEOUT_MS). errno is kept.
 */
#pragma once

#include "account/protocol.h"

#include <stdbool.h>

/* Is this process (part of) an instance? */
bool in_instance(void);

/*
 * Fills family, type, protocol, only_v6 and shared by what the kernel says of `number`. False if it
 * is no socket whose clients could be anybody's: not of AF_INET, AF_INET6 or AF_UNIX, or of
 * datagrams.
 */
bool socket_describe(int number, struct request_socket *socket);

/*
 * Takes an address as a server gave it, so that what means the same is the same: without what
 * stands behind the kernel's own structure. False if it is too long to be one.
 */
bool socket_set_address(
    struct request_socket *socket, const struct sockaddr *address, socklen_t length);

/*
 * Sends a request of `kind` that a struct stand_in answers. `attached` (-1: none) goes along;
 * what came is put into *received, the caller's (-1: nothing; may be NULL). 0, the answer's own
 * -errno, or -ENETDOWN if there was no answer.
 */
int supervisor_ask(enum request_kind kind, const struct request_socket *socket, int attached,
    struct stand_in *answer, int *received);
