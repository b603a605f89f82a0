/*
 * datagram.c: who sent a datagram; and what else a stamp tells.
 *
 * Invariant: what is believed came from the kernel beside that very message. Over IP that is the
 * stamp (stamp.h): the sender's socket may be gone, its port taken by another, and still the packet
 * says whose it was. A look-up by address could be raced by anybody. Over AF_UNIX it is
 * SCM_CREDENTIALS, unix(7).
 *
 * Called through identity.h from any thread. Every failure is IDENTITY_NONE.
 */
#include "identity/endpoint.h"
#include "identity/sources.h"
#include "identity/stamp.h"
#include "kernel.h"

#include <errno.h>
#include <string.h>

static bool is_stamped(int socket, uint64_t stamped_netns)
{
    uint64_t netns = 0;
    socklen_t length = sizeof netns;

    return stamped_netns &&
           kernel_getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &length) == 0 &&
           netns == stamped_netns;
}

int identity_prepare_datagrams(int socket, uint64_t stamped_netns)
{
    int family = 0, on = 1;
    socklen_t length = sizeof family;
    int result = kernel_getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length);

    if (result < 0)
        return result;
    if (family == AF_UNIX)
        return kernel_setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    if (!is_stamped(socket, stamped_netns))
        return 0;
    return kernel_setsockopt(socket, SOL_SOCKET, SO_RCVMARK, &on, sizeof on);
}

bool identity_is_datagram_option(int level, int option)
{
    return level == SOL_SOCKET && (option == SO_PASSCRED || option == SO_RCVMARK);
}

bool identity_is_datagram_fact(const struct cmsghdr *control)
{
    return control->cmsg_level == SOL_SOCKET &&
           (control->cmsg_type == SCM_CREDENTIALS || control->cmsg_type == SO_MARK);
}

/* The first control message of that type, with `size` bytes; false if there is none. */
static bool find_fact(const struct msghdr *message, int type, void *value, size_t size)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
         control = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, control))
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == type &&
            control->cmsg_len >= CMSG_LEN(size)) {
            memcpy(value, CMSG_DATA(control), size);
            return true;
        }
    return false;
}

/* Sent before SO_PASSCRED was set, it has no pid and overflowuid. */
static void believe_credentials(const struct msghdr *message, struct identity *identity)
{
    struct ucred sender;

    identity->local.family = identity->peer.family = AF_UNIX;
    if (!find_fact(message, SCM_CREDENTIALS, &sender, sizeof sender) || sender.pid == 0) {
        identity_refuse(identity, IDENTITY_REASON_NO_CREDENTIALS, 0);
        return;
    }
    identity_believe_user(identity, IDENTITY_SOURCE_CREDENTIALS, sender.uid);
    if (identity->kind != IDENTITY_USER)
        return;
    identity->pid = sender.pid;
}

static void believe_mark(uint32_t mark, struct identity *identity)
{
    if ((mark & stamp_uid) == stamp_nobody)
        identity_refuse(identity, IDENTITY_REASON_UNMAPPED, 0);
    else
        identity_believe_user(identity, IDENTITY_SOURCE_STAMP, mark & stamp_uid);
}

/* It came by another device than loopback. */
static void believe_host(int socket, uint32_t scope, struct identity *identity)
{
    uint64_t netns;
    socklen_t length = sizeof netns;

    if (kernel_getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &length) == 0)
        host_identify(scope, netns, identity);
}

/*
 * The socket may be one that asked for marks by itself, where no program of ours has written them:
 * those say nothing, and neither does it that one is missing.
 */
static void believe_stamp(
    int socket, uint64_t stamped_netns, const struct msghdr *message, struct identity *identity)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    uint32_t mark = 0, scope;

    if (kernel_getsockname(socket, (struct sockaddr *)&address, &length) < 0 ||
        endpoint_of_address(&address, &identity->local, &scope) < 0)
        return;
    memset(&address, 0, sizeof address);
    if (message->msg_name)
        memcpy(&address, message->msg_name,
            message->msg_namelen < sizeof address ? message->msg_namelen : sizeof address);
    if (endpoint_of_address(&address, &identity->peer, &scope) < 0)
        return;
    identity_refuse(identity, IDENTITY_REASON_NO_STAMP, 0);
    if (!is_stamped(socket, stamped_netns) || !find_fact(message, SO_MARK, &mark, sizeof mark))
        return;
    if (mark & stamp_tag)
        believe_mark(mark, identity);
    else if (mark & stamp_outside)
        believe_host(socket, scope, identity);
}

void identity_of_datagram(
    int socket, uint64_t stamped_netns, const struct msghdr *message, struct identity *identity)
{
    int family = 0;
    socklen_t length = sizeof family;

    *identity = (struct identity){.kind = IDENTITY_NONE};
    identity_refuse(identity, IDENTITY_REASON_FAMILY, 0);
    if (kernel_socket_cookie(socket, &identity->cookie) < 0)
        identity->cookie = 0;
    if (kernel_getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        return;
    if (family == AF_UNIX)
        believe_credentials(message, identity);
    else
        believe_stamp(socket, stamped_netns, message, identity);
}

static uint32_t mark_of(int socket)
{
    uint32_t mark = 0;
    socklen_t length = sizeof mark;

    return kernel_getsockopt(socket, SOL_SOCKET, SO_MARK, &mark, &length) < 0 ? 0 : mark;
}

void identity_by_stamp(int listener, int socket, uint64_t stamped_netns, struct identity *identity)
{
    uint32_t mark, own;
    socklen_t length = sizeof own;

    if (identity->kind != IDENTITY_NONE || (identity->reason != IDENTITY_REASON_ORPHAN &&
                                               identity->reason != IDENTITY_REASON_NOT_FOUND))
        return;
    if (!is_stamped(socket, stamped_netns))
        return;
    if (kernel_getsockopt(listener, SOL_SOCKET, SO_MARK, &own, &length) < 0 || own != 0)
        return;
    mark = mark_of(socket);
    if (mark & stamp_tag)
        believe_mark(mark, identity);
}
