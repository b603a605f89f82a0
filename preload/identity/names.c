/*
 * names.c: the English of identities, for logs and JSON.
 *
 * Invariant: every value has a static string, values out of range too (an identity may have come
 * through a channel). Called by the command and the library; cannot fail.
 */
#include "identity/identity.h"

const char *identity_source_name(enum identity_source source)
{
    switch (source) {
    case IDENTITY_SOURCE_NONE:
        return "none";
    case IDENTITY_SOURCE_PEERCRED:
        return "peercred";
    case IDENTITY_SOURCE_SOCK_DIAG:
        return "sock_diag";
    case IDENTITY_SOURCE_HOST:
        return "host";
    case IDENTITY_SOURCE_STAMP:
        return "stamp";
    case IDENTITY_SOURCE_CREDENTIALS:
        return "scm_credentials";
    }
    return "unknown";
}

const char *identity_reason_text(enum identity_reason reason)
{
    switch (reason) {
    case IDENTITY_REASON_NONE:
        return "no reason";
    case IDENTITY_REASON_FAMILY:
        return "neither a UNIX stream nor TCP over IPv4 or IPv6";
    case IDENTITY_REASON_NOT_FOUND:
        return "an address of this host, but no such connection in this network namespace";
    case IDENTITY_REASON_ORPHAN:
        return "the peer closed its socket";
    case IDENTITY_REASON_STATE:
        return "the peer's socket is not connected";
    case IDENTITY_REASON_OTHER_SOCKET:
        return "only another socket has the peer's port";
    case IDENTITY_REASON_CLOSED:
        return "the connection was closed or reset meanwhile";
    case IDENTITY_REASON_UNMAPPED:
        return "the peer's id does not exist in this user namespace";
    case IDENTITY_REASON_NAMESPACE:
        return "the connection belongs to another network namespace";
    case IDENTITY_REASON_NO_STAMP:
        return "a datagram without a stamp";
    case IDENTITY_REASON_NO_CREDENTIALS:
        return "a datagram that came before its socket asked for credentials";
    case IDENTITY_REASON_KERNEL:
        return "the kernel would not say";
    }
    return "unknown reason";
}
