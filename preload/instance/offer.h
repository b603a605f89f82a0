/* offer.h: a listener becomes a stand-in; private to instance/. */
#pragma once

#include "instance/stand_ins.h"

/*
 * Every descriptor of this process that is the socket with the cookie `old` becomes one of
 * `stand_in`, which stays the caller's; the epoll sets that it waits in remain. `number` is one of
 * them, and may be unrecorded. Publishes the listing as LISTENING. 0, or -errno: nothing has
 * changed.
 */
int stand_in_replaces(struct listing *listing, uint64_t old, int number, int stand_in);

/* The stand-in blocks, or not, as the socket with these F_GETFL flags did. */
void stand_in_take_flags(int stand_in, int flags);

/* What the supervisor says of a listener is the listing's from now on. */
void listing_set(struct listing *listing, const struct stand_in *answer);

/*
 * Offers the listening socket `number`. 0: it is a stand-in, or its own affair; -1 with errno: it
 * cannot be, and is closed to clients.
 */
int listener_hand_over(int number);
