/*
 * channel.h: the library's end of the way to the resolver.
 *
 * Invariant: before a byte is written the descriptor is proved to be still the socket that was
 * greeted (SO_COOKIE); a server that closed it behind our back gets refusals, not our bytes in one
 * of its files. Nothing here blocks longer than PROTOCOL_TIMEOUT_MS.
 *
 * Inside a server only. No allocation, no lock, errno untouched, any thread, safe after fork.
 */
#pragma once

#include "account/protocol.h"

#include <sys/uio.h>

/*
 * Takes over `descriptor` and greets the resolver, which answers with
 * the settings. 0, or -errno: -ETIMEDOUT if nobody answered, -EBADF if it is no channel.
 */
int channel_open(int descriptor, struct settings *settings);

/* Sends a request that wants no answer; lost if the channel is full or gone. */
void channel_report(const struct request *request);

/*
 * Sends a request and receives the answer's bytes into `parts` (count of them), waiting at most
 * PROTOCOL_TIMEOUT_MS. Returns the number of bytes, or -errno.
 */
ssize_t channel_ask(const struct request *request, const struct iovec *parts, unsigned count);

/*
 * The same with descriptors on the way: `attached` (-1: none) goes with the request and stays the
 * caller's; one that comes with the answer is put into *received, close-on-exec, the caller's, -1
 * if none came. `received` may be NULL.
 */
ssize_t channel_exchange(const struct request *request, int attached, const struct iovec *parts,
    unsigned count, int *received);

/* The descriptor's number, -1 if there is none; for the hooks that protect it and for exec. */
int channel_descriptor(void);

/* Has everybody at its other end gone? False if there is no channel (any more). */
bool channel_is_over(void);

/* Is `number` the channel, proved? */
bool channel_owns(int number);

/*
 * Gives the channel another number, because the server wants this one. -errno if every number is
 * taken: then there is no channel any more, and peers are refused.
 */
int channel_move(void);

/* Whether the next exec inherits the channel (base) or not (a scope, a sealed process). */
void channel_set_inheritable(bool inheritable);

/* In a sealed process: it has nothing to ask any more. */
void channel_close(void);

/* Moves a descriptor of ours to a high number, close-on-exec; closes the old. New number or -errno.
 */
int channel_raise_descriptor(int descriptor);
