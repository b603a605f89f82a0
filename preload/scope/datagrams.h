/* datagrams.h: the entries of datagram sockets that are served; private to scope/. */
#pragma once

#include "scope/descriptors.h"

enum {                              /* flags of a descriptor that receives datagrams */
    DATAGRAMS_WANT_CREDENTIALS = 1, /* the server itself asked for them */
    DATAGRAMS_WANT_MARK = 2,
    DATAGRAMS_ARE_LOCAL = 4,     /* AF_UNIX: descriptors may come with them */
    DATAGRAMS_WERE_RECEIVED = 8, /* it brings peers, whatever is done to it from now on */
    DATAGRAMS_ARE_ANSWERS = 16,  /* while it is connected: the server's own client */
    DATAGRAMS_TELL_TIME = 32,    /* SO_TIMESTAMP and its kin */
};

/* The entry, NULL for every other descriptor. */
struct descriptor *datagrams_find(int number);

/* The server receives from it. */
void datagrams_note_received(struct descriptor *entry);

/* Over IP: are these one address and port? */
bool datagrams_same_address(
    const struct sockaddr_storage *one, const struct sockaddr_storage *other);

/* Is it the server's own client now? Then *peer is whom it asks: answers come from nobody else. */
bool datagrams_is_own_client(int number, struct sockaddr_storage *peer);

/* Number 0 is something else now. */
void datagrams_guard_stdin(void);
