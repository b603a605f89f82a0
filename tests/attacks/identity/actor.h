/*
 * actor.h: another user of the host, who does what a test tells him.
 *
 * Invariant: everything an actor does is done by a process of that user, forked from the test and
 * stripped of root's rights first; he has one socket at a time. Orders are answered when they are
 * done, so tests wait for events and never for time.
 *
 * Called by the attacks on identity/. What cannot be set up fails the running test (cmocka).
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/identity.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { ROOT = 0, ALICE = 1001, BOB = 1002, CAROL = 1003, STRANGER = 1004 };

struct actor {
    pid_t pid;
    int channel;
};

/* How a client connects; what is zero is left to the kernel. */
struct client {
    int protocol;                   /* IPPROTO_TCP or IPPROTO_MPTCP */
    struct sockaddr_storage local;  /* bound to first, unless AF_UNSPEC */
    struct sockaddr_storage remote; /* the server */
    bool deaf; /* a socket filter drops all that comes in; connect does not wait for the answer */
};

/* Forks `uid`. `prepare`, unless NULL, runs in him before he gives up root's rights. */
struct actor actor_start(uid_t uid, void (*prepare)(void));
void actor_end(struct actor *actor);

/* Each returns 0 or -errno as the actor got it. connect and listen tell the local address. */
int actor_connect(struct actor *actor, const struct client *client, struct sockaddr_storage *local);
int actor_listen(
    struct actor *actor, const struct sockaddr_storage *address, struct sockaddr_storage *local);
int actor_send(struct actor *actor, size_t size);
int actor_fill(struct actor *actor); /* sends until the kernel takes no more */
int actor_close(struct actor *actor);
int actor_reset(struct actor *actor); /* SO_LINGER 0, then close */

/* Makes his connection disappear without a packet (TCP_REPAIR): as if it had timed out long ago. */
void actor_vanish(struct actor *actor);

/* Addresses; `text` is IPv4 or IPv6, `port` in host byte order. */
struct sockaddr_storage address_of(const char *text, in_port_t port);
in_port_t port_of(const struct sockaddr_storage *address);
socklen_t length_of(const struct sockaddr_storage *address);

/* A listening socket of the test itself (root), and its address. Dual-stack if `text` is "::". */
int server_listen(const char *text, int protocol, struct sockaddr_storage *address);
int server_accept(int listener);

/* What TCP_INFO says of the state of `socket`. */
int state_of(int socket);

/* Runs `body` in a child, so that its namespace is its own; it keeps no sock_diag socket yet. */
void in_a_child(void (*body)(void));

/* A shell command as root; false if it fails. */
bool run(const char *command);

void expect_user(int socket, uid_t uid);
void expect_nobody(int socket, enum identity_reason reason);
