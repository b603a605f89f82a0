/*
 * descriptors.h: what the server's descriptor numbers stand for.
 *
 * Invariant: an entry is a hint. It tells where to look, and nothing is switched on its word: the
 * socket cookie is compared first, because a number may have been closed inside libc and given to
 * something else. An unknown number is nobody's connection.
 *
 * One table a process, copied by fork. 24 bytes a descriptor, in chunks that appear when a number
 * in them is first recorded; numbers above 2^20 cannot be recorded. No lock: two threads that race
 * on one number race in the server already.
 */
#pragma once

#include "identity/identity.h"

enum descriptor_kind {
    DESCRIPTOR_UNKNOWN,
    DESCRIPTOR_LISTENER,   /* a stream socket that listens for clients */
    DESCRIPTOR_CONNECTION, /* accepted, passed or inherited, with a peer */
    DESCRIPTOR_DATAGRAMS,  /* a datagram socket that the server bound */
    DESCRIPTOR_EPOLL,
    DESCRIPTOR_PIPE,      /* pipe, eventfd, socketpair: how threads and loops wake each other */
    DESCRIPTOR_FILE,      /* opened in a scope */
    DESCRIPTOR_SOCKET,    /* made in a scope */
    DESCRIPTOR_STAND_IN,  /* in an instance: brings the clients of a listener of the supervisor's */
    DESCRIPTOR_OWN,       /* wsapeer's own, not to be seen by the server */
    DESCRIPTOR_UNTOUCHED, /* a listener or bound datagram socket that --only does not name */
};

enum {                        /* flags of a connection */
    CONNECTION_SHARED = 1,    /* waited for among others, or read by two threads: handed about */
    CONNECTION_UNTOUCHED = 2, /* came by a listener that --only does not name: nobody's scope */
};

enum {                      /* flags of a listener */
    LISTENER_WAS_ASKED = 1, /* for a client, before the server waited for any */
    LISTENER_IS_PEERS = 2,  /* opened in a scope: for the peers of account_uid alone */
};

enum {                     /* flags of what passes untouched */
    UNTOUCHED_BY_PATH = 1, /* it has a name in the file system, which may be changed */
};

enum { /* flags of a pipe: not of an eventfd, which only wakes */
    PIPE_CARRIES_DATA = 1,
};

enum { /* flags of an epoll descriptor: what was ever added to it */
    EPOLL_HOLDS_LISTENER = 1,
    EPOLL_HOLDS_CONNECTION = 2, /* not of the set's own scope; or copied, or holds another set */
    EPOLL_HOLDS_OLDER = 4,      /* a pipe older than the set's scope */
    EPOLL_HOLDS_DATAGRAMS = 8,  /* a served datagram socket: any of its senders wakes the wait */
    EPOLL_HOLDS_UNTOUCHED = 16, /* what brings clients that pass untouched */
};

struct descriptor {
    uint64_t cookie; /* sockets: SO_COOKIE when it was recorded */
    uid_t uid;       /* connections: the identity's uid; pipes: which pair, the same of both ends */
    uid_t account_uid; /* connections: whom it is served as; made in a scope: whose that was */
    uint32_t serial;   /* pipes and epoll: the scope they were made in, 0 for none; connections:
                          the thread that read last, 0 for none; stand-ins: instance/'s place;
                          untouched: which file had its name then */
    uint8_t kind;      /* enum descriptor_kind */
    uint8_t source;    /* connections: enum identity_source */
    uint8_t flags;
    bool sealed; /* listeners: made in a sealed process, its own affair */
};

/* The entry of a recorded descriptor, NULL for every other number. */
struct descriptor *descriptor_find(int number);

/* Records or replaces an entry. -EMFILE if the number is too large, -ENOMEM. */
int descriptor_record(int number, const struct descriptor *entry);

void descriptor_forget(int number);

/*
 * Is the number still the socket that was recorded as `entry`? One that was closed behind our back
 * and is another now is nobody's: then it is forgotten.
 */
bool descriptor_is_current(int number, const struct descriptor *entry);

/* Forgets every number from `first` to `last`, both included. */
void descriptor_forget_range(unsigned first, unsigned last);

/* dup(2) and its kin: `copy` stands for what `number` stands for, or for nothing. */
void descriptor_copy(int number, int copy);

/*
 * How often stand-ins were copied. A visit between two equal counts has seen one number at least of
 * each that there was all the time; else one may have passed it, to a number that it had seen.
 */
unsigned descriptor_moves(void);

/* Calls `visit` for every recorded number. */
void descriptor_visit(
    void (*visit)(int number, const struct descriptor *entry, void *context), void *context);

/* Is there another descriptor of this connection than `number` (-1: any descriptor at all)? */
bool descriptor_has_twin(int number, uint64_t cookie);
