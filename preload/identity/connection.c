/*
 * connection.c: which source can tell who is at the other end of a connection.
 *
 * Invariant: *identity is nobody until a source has proved somebody, and what was proved about a
 * TCP peer is believed only if our own end is still connected afterwards. A client that resets its
 * queued connection frees its port; whoever takes the port next would be found in its place, but
 * only after our end has left ESTABLISHED and CLOSE_WAIT for good.
 *
 * Called through identity.h from any thread. Every failure is IDENTITY_NONE.
 */
#include "identity/endpoint.h"
#include "identity/sources.h"
#include "kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

void identity_refuse(struct identity *identity, enum identity_reason reason, int error)
{
    identity->kind = IDENTITY_NONE;
    identity->source = IDENTITY_SOURCE_NONE;
    identity->reason = reason;
    identity->error = error;
    identity->uid = (uid_t)-1;
    identity->gid = (gid_t)-1;
    identity->pid = 0;
}

void identity_believe_user(struct identity *identity, enum identity_source source, uid_t uid)
{
    if (identity_uid_is_unmapped(uid)) {
        identity_refuse(identity, IDENTITY_REASON_UNMAPPED, 0);
        return;
    }
    identity->kind = IDENTITY_USER;
    identity->source = source;
    identity->reason = IDENTITY_REASON_NONE;
    identity->error = 0;
    identity->uid = uid;
}

static int read_endpoints(int socket, struct identity *identity, uint32_t *scope)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    uint32_t local_scope;
    int result;

    result = kernel_getsockname(socket, (struct sockaddr *)&address, &length);
    if (result < 0)
        return result;
    result = endpoint_of_address(&address, &identity->local, &local_scope);
    if (result < 0)
        return result;
    length = sizeof address;
    result = kernel_getpeername(socket, (struct sockaddr *)&address, &length);
    if (result < 0)
        return result;
    result = endpoint_of_address(&address, &identity->peer, scope);
    if (*scope == 0)
        *scope = local_scope;
    return result;
}

/*
 * The rule of the invariant above: a connection that is not established any more has no peer. Only
 * TCP (MPTCP too: its first subflow) answers TCP_INFO, so this also refuses every other protocol
 * over IP, whose ports say nothing about a TCP socket with the same numbers.
 */
static void require_connected(int socket, struct identity *identity)
{
    uint8_t state =
        0; /* struct tcp_info begins with it; the kernel copies what there is room for */
    socklen_t length = sizeof state;
    int result = kernel_getsockopt(socket, IPPROTO_TCP, TCP_INFO, &state, &length);

    if (result == -ENOPROTOOPT || result == -EOPNOTSUPP)
        identity_refuse(identity, IDENTITY_REASON_FAMILY, 0);
    else if (result < 0)
        identity_refuse(identity, IDENTITY_REASON_KERNEL, -result);
    else if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT)
        identity_refuse(identity, IDENTITY_REASON_CLOSED, 0);
}

static void identify_tcp(int socket, uint32_t scope, struct identity *identity)
{
    uint64_t netns;
    socklen_t length = sizeof netns;
    int result = kernel_getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &length);

    if (result < 0) {
        identity_refuse(identity, IDENTITY_REASON_KERNEL, -result);
        return;
    }
    sock_diag_identify(scope, netns, identity);
    /* Another host's port may be a port of a listener here, so that is no answer either. */
    if (identity->reason == IDENTITY_REASON_NOT_FOUND ||
        identity->reason == IDENTITY_REASON_OTHER_SOCKET)
        host_identify(scope, netns, identity);
    require_connected(socket, identity);
}

static void identify_unix(int socket, struct identity *identity)
{
    int type = 0;
    socklen_t length = sizeof type;
    int result = kernel_getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length);

    if (result < 0)
        identity_refuse(identity, IDENTITY_REASON_KERNEL, -result);
    else if (type == SOCK_STREAM || type == SOCK_SEQPACKET)
        peercred_identify(socket, identity);
    else
        identity_refuse(identity, IDENTITY_REASON_FAMILY, 0);
}

int identity_of_connection(int socket, struct identity *identity)
{
    uint32_t scope = 0;
    int result;

    *identity = (struct identity){.kind = IDENTITY_NONE};
    identity_refuse(identity, IDENTITY_REASON_CLOSED, 0);
    if (kernel_socket_cookie(socket, &identity->cookie) < 0)
        identity->cookie = 0;
    result = read_endpoints(socket, identity, &scope);
    switch (result) {
    case 0:
        if (identity->peer.family == AF_UNIX)
            identify_unix(socket, identity);
        else
            identify_tcp(socket, scope, identity);
        return 0;
    case -EBADF:
    case -ENOTSOCK:
    case -ENOTCONN:
        return result;
    case -EAFNOSUPPORT:
        identity_refuse(identity, IDENTITY_REASON_FAMILY, 0);
        return 0;
    default:
        identity_refuse(identity, IDENTITY_REASON_KERNEL, -result);
        return 0;
    }
}
