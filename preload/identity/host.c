/*
 * host.c: is the peer on another host?
 *
 * Invariant: a peer is called a host only if its address is none of ours, so that no local user can
 * pass for a host whose clients are mapped to an account. The kernel says which addresses are ours
 * by letting a socket be bound to them: that follows its routing tables ("local" routes, the whole
 * of 127/8), which a list of interface addresses does not.
 *
 * Called by connection.c after sock_diag found no socket. Any answer of the kernel but "cannot
 * assign requested address", success included, leaves the peer nobody.
 */
#include "cleanup.h"
#include "identity/endpoint.h"
#include "identity/sources.h"
#include "kernel.h"

#include <errno.h>
#include <sys/socket.h>

/* The connection is of namespace `netns`; would a socket made by this thread be, too? */
static bool is_in_namespace(int socket, uint64_t netns)
{
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;

    return kernel_getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 &&
           cookie == netns;
}

void host_identify(uint32_t scope, uint64_t netns, struct identity *identity)
{
    struct sockaddr_storage address;
    socklen_t length = endpoint_to_address(&identity->peer, scope, &address);
    cleanup_descriptor int probe = kernel_socket(identity->peer.family, SOCK_DGRAM, 0);

    if (probe < 0) {
        identity_refuse(identity, IDENTITY_REASON_KERNEL, -probe);
        return;
    }
    if (!is_in_namespace(probe, netns)) {
        identity_refuse(identity, IDENTITY_REASON_NAMESPACE, 0);
        return;
    }
    if (kernel_bind(probe, (struct sockaddr *)&address, length) != -EADDRNOTAVAIL)
        return;
    identity->kind = IDENTITY_HOST;
    identity->source = IDENTITY_SOURCE_HOST;
    identity->reason = IDENTITY_REASON_NONE;
}
