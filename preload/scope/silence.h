/*
 * silence.h: in a handler (handlers.h), what brings clients to the accepting process brings nobody
 * any more. Private to scope/.
 *
 * Invariant: after it no number in this process is one of the server's listeners or bound datagram
 * sockets, whether they are served or pass untouched, but for the handler's own, so that no other
 * client wakes or ends it. What the numbers stand for then is silent, waits or does not
 * (O_NONBLOCK) as before, and can be waited for and closed like what was there.
 */
#pragma once

#include <stdint.h>

/* `own`: the cookie of the socket that the handler was made for. */
void silence_others(uint64_t own);

/* A handler of a datagram goes on by a socket that it made: now the one it came by is silent, too.
 */
void silence_datagrams_too(uint64_t own);
