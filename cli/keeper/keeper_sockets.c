/*
 * keeper_sockets.c: which socket could bring its process clients, now or after a listen(2).
 *
 * A stream that is bound to an address listens when its process wants it to; for a port that is
 * shared, or that nobody but root may bind, it would be too late then to say no. A client's socket
 * is none: with a connection, on its way to one, or when that has ended. Datagrams are the server's
 * own affair.
 */
#include "cleanup.h"
#include "keeper_process.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

union name {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un local;
};

static int option(int socket, int level, int number)
{
    int value = 0;
    socklen_t size = sizeof value;

    return kernel_getsockopt(socket, level, number, &value, &size) < 0 ? -1 : value;
}

static bool is_stream(int socket)
{
    int type = option(socket, SOL_SOCKET, SO_TYPE);

    return type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

static bool has_address(int socket, union name *own)
{
    socklen_t size = sizeof *own;

    if (kernel_getsockname(socket, &own->any, &size) < 0)
        return false;
    if (own->any.sa_family == AF_INET)
        return own->in.sin_port != 0;
    if (own->any.sa_family == AF_INET6)
        return own->in6.sin6_port != 0;
    return own->any.sa_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path);
}

/* Only what was never connected cannot be read from (tcp_recvmsg, unix_stream_recvmsg). */
static bool was_connected(int socket)
{
    char byte;
    ssize_t result = kernel_recvfrom(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);

    return result != -ENOTCONN && result != -EINVAL;
}

/*
 * After a connect(2) that was refused a socket still tells the port that it had, but it is
 * another's to take. So we try.
 */
static bool holds(int socket, const union name *own)
{
    cleanup_descriptor int probe = -1;
    int only = option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
    bool is_ip6 = own->any.sa_family == AF_INET6;

    if (own->any.sa_family == AF_UNIX)
        return true;
    probe = kernel_socket(own->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0 ||
        (is_ip6 && kernel_setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) < 0))
        return true;
    return kernel_call(
               SYS_bind, probe, (long)own, is_ip6 ? sizeof own->in6 : sizeof own->in, 0, 0, 0) < 0;
}

const char *keeper_socket_awaits(int socket)
{
    union name own = {.any.sa_family = AF_UNSPEC};

    if (option(socket, SOL_SOCKET, SO_ACCEPTCONN) > 0)
        return "listening";
    if (is_stream(socket) && has_address(socket, &own) && !was_connected(socket) &&
        holds(socket, &own))
        return "bound";
    return NULL;
}
