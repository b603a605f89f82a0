/*
 * stand_ins.h: what sockets of this process stand for a listener of the supervisor's; private to
 * instance/.
 *
 * Invariant: a listing is found by a descriptor that scope's table calls a stand-in, and only if
 * the socket's cookie is still the listing's. One small table a process, copied by fork, lost by
 * exec (the supervisor is asked again, inherit.c). No lock: a place is claimed by one atomic
 * exchange, filled, and published; a place whose socket this process has closed is free again at
 * the next claim. What was bound is a hint, and is kept for as long as there is room: a copy may
 * listen when the number that was bound is closed.
 */
#pragma once

#include "account/protocol.h"

#include <stdbool.h>

enum listing_state {
    LISTING_FREE,
    LISTING_CLAIMED,   /* being filled, or looked at to be freed */
    LISTING_BOUND,     /* bound by the process itself: `address` is what it asked for */
    LISTING_SERVED,    /* bound to an address that the supervisor serves: no clients yet */
    LISTING_LISTENING, /* a stand-in */
};

struct listing {
    uint32_t tag;      /* its state, and its place's lives so far; see listing_state() */
    uint32_t listener; /* the supervisor's number; BOUND: 0 */
    uint64_t cookie;   /* of the socket: the server's own, or the stand-in */
    int number;        /* BOUND: the descriptor that was bound */
    int shadow;        /* LISTENING: who answers for its options; see shadow.h */
    uint64_t shadow_cookie;
    uint32_t address_length;
    struct sockaddr_storage address; /* but for BOUND: as getsockname(2) on the listener says */
};

/* The listing of a stand-in or of a socket bound to a served address, else NULL. */
struct listing *listing_of(int number);

/* Is it a stand-in that listens? Not proved by the cookie: costs no system call. */
bool listing_brings_clients(int number);

enum listing_state listing_state(const struct listing *listing);

/* What the process asked for when it bound that socket by itself; false if nobody knows. */
bool listing_bound_address(uint64_t cookie, struct sockaddr_storage *address, uint32_t *length);

/*
 * A place to be filled, NULL if all are taken. It is nobody's until listing_publish(); with
 * LISTING_FREE it is given back.
 */
struct listing *listing_claim(void);
void listing_publish(struct listing *listing, enum listing_state state);

/* `number` is a descriptor of that listing's socket. 0 or -errno. */
int listing_record(const struct listing *listing, int number);

/* Does a stand-in of this process name itself with that AF_UNIX address? */
bool listing_has_address(const struct sockaddr_storage *address, uint32_t length);
