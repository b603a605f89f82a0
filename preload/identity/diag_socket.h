/*
 * diag_socket.h: the sock_diag(7) sockets that this process keeps open.
 *
 * Invariant: a socket that was taken is the taker's alone until it is given back, and is proved to
 * be a sock_diag socket of ours, in the namespace asked for. Used by sock_diag.c only.
 */
#pragma once

#include <stdint.h>

struct diag_slot;

struct diag_socket {
    int descriptor;
    uint32_t sequence;      /* of a socket without slot */
    uint64_t cookie;        /* likewise: proves that what is closed is ours */
    struct diag_slot *slot; /* NULL: opened for this look-up alone */
};

/*
 * Takes a socket whose look-ups see the network namespace with SO_NETNS_COOKIE `netns`. Returns 0
 * (and diag_socket_give() must follow), -EXDEV if neither a kept socket nor the calling thread is
 * in that namespace, or the kernel's -errno (-EMFILE …). Takes no lock and never waits.
 */
int diag_socket_take(uint64_t netns, struct diag_socket *taken);

void diag_socket_give(struct diag_socket *taken);

/* A sequence number that no earlier question on this socket had. */
uint32_t diag_socket_next_sequence(struct diag_socket *taken);

#define cleanup_diag_socket __attribute__((cleanup(diag_socket_give)))
