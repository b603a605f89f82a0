/*
 * stand_in.h: what a listener is to an instance, from the supervisor's side.
 *
 * A pair of SOCK_SEQPACKET sockets. Each message from our end is one connection (struct delivery).
 * To the instance its end polls like a listener: readable when a client is there, never writable.
 * Nothing comes from it: our end is only written to, and polled for room and for its end.
 */
#pragma once

/*
 * Makes a pair, close-on-exec: pair[0] is the supervisor's, non-blocking, pair[1] the instance's,
 * blocking. 0 or -errno.
 */
int stand_in_make(int pair[2]);

/*
 * Sends `connection`, which stays the caller's. 0; -EAGAIN: as many wait as fit (pair[0] is
 * writable again when there is room); -EPIPE or -ECONNRESET: the instance has closed or shut down
 * its end; or another -errno (-ETOOMANYREFS).
 */
int stand_in_deliver(int supervisor_end, int connection);
