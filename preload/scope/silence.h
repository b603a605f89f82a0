/*
 * silence.h: in a handler (handlers.h), what brings clients to the accepting process brings nobody
 * any more. Private to scope/.
 *
 * Invariant: after it no number in this process is one of the server's listeners or served datagram
 * sockets, but for the handler's own, so that no other client wakes or ends it. What the numbers
 * stand for then is silent, and can be waited for and closed like what was there.
 */
#pragma once

#include <stdint.h>

/* `own`: the cookie of the socket that the handler was made for. */
void silence_others(uint64_t own);
