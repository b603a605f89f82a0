/*
 * peercred.c: who connected to an AF_UNIX stream or seqpacket socket.
 *
 * Invariant: the ids are those that the peer had at connect(2) (unix(7), SO_PEERCRED); what it
 * became since, or whom it gave the socket to, is none of our business. The caller has seen that
 * the socket is connected: a listening socket answers SO_PEERCRED with its own owner.
 *
 * Called by connection.c, and identity_groups() through identity.h. Fails with the kernel's error;
 * an id that has no number in this user namespace is no identity.
 */
#include "identity/sources.h"
#include "kernel.h"

#include <errno.h>
#include <sys/socket.h>

void peercred_identify(int socket, struct identity *identity)
{
    struct ucred peer = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    socklen_t length = sizeof peer;
    int result = kernel_getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length);

    if (result < 0 || length != sizeof peer) {
        identity_refuse(identity, IDENTITY_REASON_KERNEL, result < 0 ? -result : EPROTO);
        return;
    }
    if (identity_gid_is_unmapped(peer.gid)) {
        identity_refuse(identity, IDENTITY_REASON_UNMAPPED, 0);
        return;
    }
    identity_believe_user(identity, IDENTITY_SOURCE_PEERCRED, peer.uid);
    if (identity->kind != IDENTITY_USER)
        return;
    identity->gid = peer.gid;
    identity->pid = peer.pid;
}

int identity_groups(int socket, gid_t groups[], unsigned capacity)
{
    socklen_t length;
    int result;

    if (capacity > IDENTITY_MAX_GROUPS)
        capacity = IDENTITY_MAX_GROUPS;
    length = capacity * (socklen_t)sizeof *groups;
    result = kernel_getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
    if (result < 0)
        return result;
    /* A group without a number here cannot be left out either: groups also take rights away. */
    for (unsigned i = 0; i < length / sizeof *groups; i++)
        if (identity_gid_is_unmapped(groups[i]))
            return -EOVERFLOW;
    return (int)(length / sizeof *groups);
}
