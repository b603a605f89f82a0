/*
 * senders.h: users who send one datagram each to a socket of the test's, and what is said of them.
 *
 * For the attacks on datagrams: packets are stamped between start() and end(), cmocka's setup and
 * teardown. Everything a user does is done by a process of that user's. What cannot be set up fails
 * the running test.
 */
#pragma once

#include "actor.h"
#include "identity/stamp.h"
#include "stamp.h"

extern struct stamp stamp;
extern struct sockaddr_storage server; /* where `receiver` is bound */
extern socklen_t server_length;        /* an abstract name may be shorter */
extern int receiver;
extern uint64_t stamped; /* the namespace whose packets bear stamps, as the server believes */

int start(void **state);
int end(void **state);

/* Another `receiver` than that of start(), which has been closed. 0. */
int bind_receiver(const char *text);

/* SO_NETNS_COOKIE of the calling thread's. */
uint64_t netns_here(void);

/* The mark that a packet of that user's would bear. */
uint32_t forged(uid_t uid);

struct sending {
    uid_t uid;
    const struct sockaddr_storage *from; /* NULL: any address */
    bool connects;
    bool shares; /* its port, with who lets it (SO_REUSEADDR) */
    uint32_t mark;
    const char *to;  /* NULL: the server's own address; else its port there, by IPV6_FREEBIND */
    unsigned device; /* for multicast */
    const char *text;
};

/* That user's process has sent it, and has ended. */
void sent(const struct sending *sending);

/* A socket that goes on to have the port, in a process of that user's; and its end. */
pid_t holds_port(uid_t uid, const struct sockaddr_storage *address);
void lets_go(pid_t child);

/* One datagram from `receiver`, which must be there already. */
void receive(char text[16], struct identity *identity);
void expect_from(uid_t uid, const char *said);
void expect_from_nobody(enum identity_reason reason);

/* A port that is free for the moment. */
struct sockaddr_storage free_port(const char *text);
