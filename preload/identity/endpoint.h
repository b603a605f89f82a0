/*
 * endpoint.h: one shape for the addresses that sockets, accept(2) and sock_diag(7) give.
 *
 * Invariant: two endpoints name the same address and port if and only if endpoint_equal() says so,
 * whether the kernel called the address IPv4 or IPv4-mapped IPv6. Used by the sources, and by
 * scope/only.c for names of our own end.
 */
#pragma once

#include "identity/identity.h"

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * Fills *endpoint from a socket address, and *scope with the interface of a link-local one (0 for
 * all others). Returns 0, or -EAFNOSUPPORT for a family that identities do not speak of.
 */
int endpoint_of_address(
    const struct sockaddr_storage *address, struct identity_endpoint *endpoint, uint32_t *scope);

/*
 * Fills *endpoint from the four words and the port, both in network order, of a sock_diag answer
 * of `family`. Returns 0 or -EAFNOSUPPORT.
 */
int endpoint_of_diag(sa_family_t family, const uint32_t words[4], in_port_t port,
    struct identity_endpoint *endpoint);

/* The other way: the four words that a sock_diag request for `endpoint` carries. */
void endpoint_to_diag(const struct identity_endpoint *endpoint, uint32_t words[4]);

/* The socket address, with port 0, of `endpoint`; returns its length. */
socklen_t endpoint_to_address(
    const struct identity_endpoint *endpoint, uint32_t scope, struct sockaddr_storage *address);

bool endpoint_equal(const struct identity_endpoint *a, const struct identity_endpoint *b);
