#include "stand_in.h"

#include "account/protocol.h"
#include "cleanup.h"

#include <errno.h>
#include <string.h>

/* One unread message of this size, and a buffer as small as it may be: no room for ever. */
enum { STUFFING = 2048 };

static int stuff(int end)
{
    static const char nothing[STUFFING];
    int least = 0;
    ssize_t sent;

    kernel_setsockopt(end, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    sent = kernel_sendto(end, nothing, sizeof nothing, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
    if (sent < 0)
        return (int)sent;
    /* A listener cannot be written to: whoever tries is told EPIPE, and does not wait. */
    return (int)kernel_call(SYS_shutdown, end, SHUT_WR, 0, 0, 0, 0);
}

int stand_in_make(int pair[2])
{
    int made[2], result = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, made);
    cleanup_descriptor int ours = result < 0 ? -1 : made[0];
    cleanup_descriptor int theirs = result < 0 ? -1 : made[1];

    if (result == 0)
        result = stuff(theirs);
    if (result == 0)
        result = kernel_fcntl(ours, F_SETFL, O_NONBLOCK);
    if (result < 0)
        return result;
    pair[0] = descriptor_steal(&ours);
    pair[1] = descriptor_steal(&theirs);
    return 0;
}

int stand_in_deliver(int supervisor_end, int connection)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct delivery delivery = {.magic = PROTOCOL_MAGIC};
    struct iovec part = {&delivery, sizeof delivery};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control.space};
    ssize_t sent;

    memcpy(CMSG_DATA(&control.header), &connection, sizeof connection);
    do
        sent = kernel_sendmsg(supervisor_end, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent == -EINTR);
    return sent < 0 ? (int)sent : 0;
}
