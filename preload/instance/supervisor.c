/* supervisor.c: see supervisor.h. */
#include "instance/supervisor.h"

#include "account/channel.h"
#include "kernel.h"
#include "scope/thread.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

bool in_instance(void)
{
    return process.settings.isolation == ISOLATION_INSTANCES && process.wrapped && !process.sealed;
}

static int option(int number, int level, int name)
{
    int value = 0;
    socklen_t length = sizeof value;

    return kernel_getsockopt(number, level, name, &value, &length) < 0 ? -1 : value;
}

bool socket_describe(int number, struct request_socket *socket)
{
    socket->type = option(number, SOL_SOCKET, SO_TYPE);
    if (socket->type != SOCK_STREAM && socket->type != SOCK_SEQPACKET)
        return false;
    socket->family = option(number, SOL_SOCKET, SO_DOMAIN);
    socket->protocol = option(number, SOL_SOCKET, SO_PROTOCOL);
    socket->only_v6 = socket->family == AF_INET6 && option(number, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
    socket->shared = option(number, SOL_SOCKET, SO_REUSEPORT) == 1;
    if (socket->family == AF_INET || socket->family == AF_INET6)
        return socket->type == SOCK_STREAM;
    return socket->family == AF_UNIX;
}

/* How much of it the kernel looks at; a path ends at its NUL, which the kernel adds. */
static socklen_t meaningful(struct sockaddr_storage *address, socklen_t length)
{
    struct sockaddr_un *local = (struct sockaddr_un *)address;
    const socklen_t head = offsetof(struct sockaddr_un, sun_path);

    if (address->ss_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        memset(((struct sockaddr_in *)address)->sin_zero, 0, 8);
        return sizeof(struct sockaddr_in);
    }
    if (address->ss_family == AF_INET6 && length > sizeof(struct sockaddr_in6))
        return sizeof(struct sockaddr_in6);
    if (address->ss_family == AF_UNIX && length > head && local->sun_path[0])
        return head + (socklen_t)strnlen(local->sun_path, length - head) + 1;
    return length;
}

bool socket_set_address(
    struct request_socket *socket, const struct sockaddr *address, socklen_t length)
{
    if (!address || length < sizeof(sa_family_t) || length > sizeof socket->address)
        return false;
    memset(&socket->address, 0, sizeof socket->address);
    memcpy(&socket->address, address, length);
    socket->address_length = meaningful(&socket->address, length);
    return true;
}

int supervisor_ask(enum request_kind kind, const struct request_socket *socket, int attached,
    struct stand_in *answer, int *received)
{
    struct request request = {.magic = PROTOCOL_MAGIC, .kind = kind, .socket = *socket};
    struct iovec part = {answer, sizeof *answer};
    ssize_t size = channel_exchange(&request, attached, &part, 1, received);

    if (size == sizeof *answer && answer->magic == PROTOCOL_MAGIC &&
        answer->address_length <= sizeof answer->address)
        return answer->result;
    if (received && *received >= 0)
        kernel_close(*received);
    if (received)
        *received = -1;
    return -ENETDOWN;
}
