/*
 * listeners.h: the listening sockets that the supervisor owns.
 *
 * Invariant: a listener came from an instance that was nobody's yet, and no instance ever gets it
 * back: what instances get are stand-ins. It is found again by what a server gave to socket(2) and
 * bind(2), so that the same command, started again, finds its own; of several that are alike (port
 * 0) each instance is given each once, in the order of their coming. Those that share one address
 * (SO_REUSEPORT) have one number: which of them a client comes by is the kernel's choice, and
 * nothing to the server.
 *
 * One that passes untouched (`asked.untouched`) is written down here, and not held: the first
 * instance has it itself, and by the stand-ins of the others nobody comes.
 *
 * Used by the supervisor, single-threaded. Functions return 0 or -errno.
 */
#pragma once

#include "account/protocol.h"
#include "loop.h"

#include <stdbool.h>

struct listener {
    uint32_t number;   /* from 1; those that share an address have the same */
    unsigned alone_of; /* the one instance that has had it; 0: the service's */
    uint64_t cookie;
    struct source source; /* the socket; non-blocking; -1 for one that passes untouched */
    struct request_socket asked;
    struct stand_in facts; /* what instances are told of it */
    dev_t device;          /* AF_UNIX by path: what the path named when it came */
    ino_t inode;           /* 0: no path */
    struct listeners *owner;
};

struct listeners {
    struct loop *loop;
    struct listener **list;
    unsigned count;
    uint32_t last_number;
    bool paused;
    /* A client is there. */
    void (*accept)(void *context, struct listener *listener);
    void *context;
};

/*
 * Takes a listener that an instance offers; `socket` stays the caller's, ours is a copy. One that
 * is here already (the same socket) is given again. -EINVAL if it is no listening stream socket.
 */
int listeners_offer(struct listeners *listeners, const struct request_socket *asked, int socket,
    struct listener **listener);

/*
 * The first listener that is bound as `asked` says and that `taken` does not claim; NULL if there
 * is none.
 */
struct listener *listeners_match(const struct listeners *listeners,
    const struct request_socket *asked,
    bool (*taken)(const void *context, const struct listener *listener), const void *context);

/* One at exactly this address, which both it and `asked` share with others; NULL if there is none.
 */
struct listener *listeners_match_shared(
    const struct listeners *listeners, const struct request_socket *asked);

/* The first with that number; NULL: there is none, or none any more. */
struct listener *listeners_find(const struct listeners *listeners, uint32_t number);

/* setsockopt(2) on each with that number. */
void listeners_set_option(
    struct listeners *listeners, uint32_t number, const struct request_option *option);

/* This instance has them, too: those with that number are its own, or the service's from now on. */
void listeners_share(struct listeners *listeners, uint32_t number, unsigned instance);

/* Stops taking clients for a while, and goes on: they wait in the kernel's queues. */
void listeners_pause(struct listeners *listeners, bool pause);

/*
 * An instance has ended: what it alone has ever had (a socket whose name holds its pid, say) nobody
 * will ask for again, and is closed.
 */
void listeners_give_up(struct listeners *listeners, unsigned instance);

/* Closes all of them; paths that still name our sockets are removed. */
void listeners_close(struct listeners *listeners);
