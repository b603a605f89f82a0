/*
 * control.h: the control messages of a datagram, without those that we asked for.
 *
 * Invariant: what the server finds in its buffer is what the kernel would have put there had nobody
 * asked for more: the same messages in the same order, cut where it would have cut them, with
 * MSG_CTRUNC only if it did. Descriptors for which there is no room are closed, as it does.
 *
 * Private to scope/. No allocation, no errno.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04 /* since Linux 6.5, which Debian's headers are behind */
#endif

/* Which of our own facts the server asked for itself. */
struct wanted_facts {
    bool credentials, mark;
};

/*
 * `own` was received with a buffer large enough for everything; its control messages go to
 * `message`, whose msg_controllen is the room there and becomes what is used. msg_flags is set.
 */
void control_hand_over(
    const struct msghdr *own, struct msghdr *message, const struct wanted_facts *wanted);
