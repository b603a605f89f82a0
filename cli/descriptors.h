/*
 * descriptors.h: what the command's processes do with descriptors.
 *
 * Invariant: what is not named is closed; what cannot be sent at once is not sent. Nothing waits.
 */
#pragma once

#include <stddef.h>

/*
 * Closes all descriptors but the three standard ones and those in `keep` (-1: none), which it
 * sorts. 0 or -errno.
 */
int descriptors_close_others(int keep[], size_t count);

/*
 * Puts /dev/null in the place of the three standard ones, but for `keep` (-1: none): who waits for
 * the end of what is written to them waits no longer for us. 0 or -errno.
 */
int descriptors_leave_standard(int keep);

/*
 * Opens /dev/null in the place of those of 0, 1 and 2 that are closed, so that none of ours gets
 * such a number. These go again when a program is executed.
 */
void descriptors_fill_standard(void);

/*
 * Sends one message to a SOCK_SEQPACKET socket, with `descriptor` as SCM_RIGHTS (-1: none), which
 * stays the caller's. The bytes sent, or -errno.
 */
int descriptors_send(int socket, const void *bytes, size_t size, int descriptor);
