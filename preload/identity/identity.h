/*
 * identity.h: who is at the other end of a socket.
 *
 * Invariant: an identity says only what the kernel attested, through one named source, about the
 * very connection that was asked about. Whatever cannot be proved is IDENTITY_NONE with a reason;
 * no failure of any kind yields an identity, least of all uid 0.
 *
 * Called by scope/ (inside a server) and by the command. Knows nothing of accounts,
 * policy or credentials. Allocates nothing, takes no lock, leaves errno alone, is not a
 * cancellation point, and may be called from any thread and from the child of a fork.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifndef SO_RCVMARK
#define SO_RCVMARK 75 /* since Linux 5.19, which Debian's headers are behind */
#endif

enum identity_kind {
    IDENTITY_NONE, /* nobody that may be believed in; `reason` says why */
    IDENTITY_USER, /* `uid` is the peer's user id */
    IDENTITY_HOST, /* not on this host: only `peer.address` is known */
};

enum identity_source {
    IDENTITY_SOURCE_NONE,
    IDENTITY_SOURCE_PEERCRED,    /* SO_PEERCRED, unix(7): as of connect(2) */
    IDENTITY_SOURCE_SOCK_DIAG,   /* sock_diag(7): owner of the peer's own socket, exact 4-tuple */
    IDENTITY_SOURCE_HOST,        /* the peer's address, which is none of this host's */
    IDENTITY_SOURCE_STAMP,       /* the packet's mark, from when it left its socket: stamp.h */
    IDENTITY_SOURCE_CREDENTIALS, /* SCM_CREDENTIALS, unix(7): of the sender of a message */
};

enum identity_reason {
    IDENTITY_REASON_NONE,
    IDENTITY_REASON_FAMILY,         /* neither AF_UNIX nor TCP over IPv4 or IPv6 */
    IDENTITY_REASON_NOT_FOUND,      /* an address of this host, but no such socket here */
    IDENTITY_REASON_ORPHAN,         /* the peer's socket has no inode: closed by its owner */
    IDENTITY_REASON_STATE,          /* the answer is for a socket that is not connected */
    IDENTITY_REASON_OTHER_SOCKET,   /* the answer is for another 4-tuple */
    IDENTITY_REASON_CLOSED,         /* our own end left ESTABLISHED and CLOSE_WAIT meanwhile */
    IDENTITY_REASON_UNMAPPED,       /* overflowuid, or (uid_t)-1: not an id of this namespace */
    IDENTITY_REASON_NAMESPACE,      /* the socket is of another network namespace than ours */
    IDENTITY_REASON_NO_STAMP,       /* a datagram without one, where none are put on or read */
    IDENTITY_REASON_NO_CREDENTIALS, /* an AF_UNIX datagram from before anybody asked for them */
    IDENTITY_REASON_KERNEL,         /* the kernel gave an error; `error` is it */
};

struct identity_endpoint {
    sa_family_t family;      /* AF_INET, AF_INET6, AF_UNIX; IPv4-mapped is given as AF_INET */
    in_port_t port;          /* host byte order; 0 for AF_UNIX */
    struct in6_addr address; /* IPv4 stands IPv4-mapped (::ffff:a.b.c.d); zero for AF_UNIX */
};

struct identity {
    enum identity_kind kind;
    enum identity_source source;
    enum identity_reason reason;
    int error;       /* errno value with IDENTITY_REASON_KERNEL, else 0 */
    uid_t uid;       /* IDENTITY_USER only, else (uid_t)-1 */
    gid_t gid;       /* peercred only, else (gid_t)-1 */
    pid_t pid;       /* peercred only, else 0; a hint: the process may have gone */
    uint64_t cookie; /* SO_COOKIE of our end, 0 if it could not be read */
    struct identity_endpoint local, peer;
};

/* The most supplementary groups of a peer that are believed in; a peer with more is refused. */
enum { IDENTITY_MAX_GROUPS = 1024 };

/*
 * Reads what the process needs once: overflowuid and overflowgid from /proc/sys/kernel (65534 where
 * that cannot be read). Call it while single-threaded; identity_of_connection() works without it.
 */
void identity_prepare(void);

/*
 * Fills *identity for the connected stream (or AF_UNIX seqpacket) socket `socket`, which stays the
 * caller's. For TCP this asks sock_diag in the network namespace of the calling thread.
 * Returns 0 with any kind, IDENTITY_NONE included; -ENOTSOCK, -EBADF or -ENOTCONN if `socket` is
 * no connected socket at all (then kind is IDENTITY_NONE too).
 */
int identity_of_connection(int socket, struct identity *identity);

/*
 * From now on each message received on the datagram socket `socket` comes with what
 * identity_of_datagram() needs: control messages of our own. `stamped_netns` is the network
 * namespace (SO_NETNS_COOKIE) whose packets bear stamps, 0 for none: elsewhere nobody on this host
 * is known by them. 0 or -errno.
 */
int identity_prepare_datagrams(int socket, uint64_t stamped_netns);

/*
 * Fills *identity for the sender of `message`, which recvmsg(2) has just filled from `socket`,
 * sender's address and whole control data included. Over IP nobody is known, not even a host, in a
 * namespace other than `stamped_netns`, whatever options somebody set on the socket.
 */
void identity_of_datagram(
    int socket, uint64_t stamped_netns, const struct msghdr *message, struct identity *identity);

/*
 * For a connection just accepted from `listener`, whose *identity is nobody because the peer has
 * closed its socket meanwhile: the stamp of the packet that opened it, where packets are stamped
 * and net.ipv4.tcp_fwmark_accept (ip-sysctl) has the connection inherit it. A listener that has a
 * mark of its own gives that to every connection, and is not believed.
 */
void identity_by_stamp(int listener, int socket, uint64_t stamped_netns, struct identity *identity);

/* Is this one of those control messages; one of the options that bring them? */
bool identity_is_datagram_fact(const struct cmsghdr *control);
bool identity_is_datagram_option(int level, int option);

/*
 * The peer's supplementary groups as of connect(2), AF_UNIX only (SO_PEERGROUPS). `groups` holds
 * `capacity` ids. Returns their number, -ERANGE if they are more, -EOVERFLOW if one of them has no
 * number in this user namespace, or the kernel's -errno.
 */
int identity_groups(int socket, gid_t groups[], unsigned capacity);

/*
 * In the child of a fork: forgets the parent's sock_diag sockets, so that answers never mix. Also
 * for a process that enters another user namespace (unshare(2), setns(2)), followed by
 * identity_prepare(): TCP peers' ids are the numbers of the namespace in which those sockets were
 * opened, and the kernel offers no cheap way to see that it is not ours any more.
 */
void identity_after_fork(void);

/*
 * Is `descriptor` one of the sock_diag sockets this process keeps open? The hooks ask, so that
 * servers that close everything they did not open do not close those. `identity_move_descriptor`
 * gives it another number because the server wants this one (dup2): 0, -EBADF if it is none of
 * them, -EBUSY if a look-up with it does not end, or why it cannot be copied (-EMFILE …).
 */
bool identity_owns_descriptor(int descriptor);
int identity_move_descriptor(int descriptor);

/* English names for logs and JSON: "sock_diag", "the peer closed its socket". Static strings. */
const char *identity_source_name(enum identity_source source);
const char *identity_reason_text(enum identity_reason reason);
