/*
 * endpoint.c: one shape for the addresses that sockets and sock_diag(7) give.
 *
 * Invariant: an IPv4 address stands IPv4-mapped and its family is AF_INET, wherever it came from. A
 * client may connect through an AF_INET6 socket to an AF_INET one or the reverse, and the kernel
 * then names the one connection in both ways; a comparison of the raw forms would call the peer's
 * own socket a stranger's.
 *
 * Called by connection.c, sock_diag.c and host.c. Fails only for a family that is not AF_UNIX,
 * AF_INET or AF_INET6.
 */
#include "identity/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static void set_ipv4(struct identity_endpoint *endpoint, uint32_t network_order)
{
    endpoint->family = AF_INET;
    endpoint->address = (struct in6_addr){.s6_addr32 = {0, 0, htonl(0xffff), network_order}};
}

static void set_ipv6(struct identity_endpoint *endpoint, const struct in6_addr *address)
{
    endpoint->family = IN6_IS_ADDR_V4MAPPED(address) ? AF_INET : AF_INET6;
    endpoint->address = *address;
}

int endpoint_of_address(
    const struct sockaddr_storage *address, struct identity_endpoint *endpoint, uint32_t *scope)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;

    *scope = 0;
    *endpoint = (struct identity_endpoint){.family = address->ss_family};
    switch (address->ss_family) {
    case AF_UNIX:
        return 0;
    case AF_INET:
        set_ipv4(endpoint, ipv4->sin_addr.s_addr);
        endpoint->port = ntohs(ipv4->sin_port);
        return 0;
    case AF_INET6:
        set_ipv6(endpoint, &ipv6->sin6_addr);
        endpoint->port = ntohs(ipv6->sin6_port);
        if (IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr))
            *scope = ipv6->sin6_scope_id;
        return 0;
    default:
        return -EAFNOSUPPORT;
    }
}

int endpoint_of_diag(
    sa_family_t family, const uint32_t words[4], in_port_t port, struct identity_endpoint *endpoint)
{
    struct in6_addr ipv6;

    *endpoint = (struct identity_endpoint){.port = ntohs(port)};
    switch (family) {
    case AF_INET:
        set_ipv4(endpoint, words[0]);
        return 0;
    case AF_INET6:
        memcpy(&ipv6, words, sizeof ipv6);
        set_ipv6(endpoint, &ipv6);
        return 0;
    default:
        return -EAFNOSUPPORT;
    }
}

void endpoint_to_diag(const struct identity_endpoint *endpoint, uint32_t words[4])
{
    memset(words, 0, 4 * sizeof *words);
    if (endpoint->family == AF_INET)
        words[0] = endpoint->address.s6_addr32[3];
    else
        memcpy(words, &endpoint->address, sizeof endpoint->address);
}

socklen_t endpoint_to_address(
    const struct identity_endpoint *endpoint, uint32_t scope, struct sockaddr_storage *address)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    address->ss_family = endpoint->family;
    if (endpoint->family == AF_INET) {
        ipv4->sin_addr.s_addr = endpoint->address.s6_addr32[3];
        return sizeof *ipv4;
    }
    ipv6->sin6_addr = endpoint->address;
    ipv6->sin6_scope_id = scope;
    return sizeof *ipv6;
}

bool endpoint_equal(const struct identity_endpoint *a, const struct identity_endpoint *b)
{
    return a->family == b->family && a->port == b->port &&
           IN6_ARE_ADDR_EQUAL(&a->address, &b->address);
}
