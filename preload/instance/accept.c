/*
 * accept.c: a message on a stand-in is a connection, and receiving it is accept(2).
 *
 * Blocking, restarting after signals, time-outs and cancellation are recvmsg(2)'s own.
 */
#include "instance/instance.h"

#include "account/channel.h"
#include "instance/registrations.h"
#include "instance/stand_ins.h"
#include "instance/supervisor.h"
#include "kernel.h"
#include "libc.h"
#include "scope/scope.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
    NOT_OURS = -2, /* no connection, and no error of the server's: the next, then */
    NOBODY = -3,   /* the supervisor has gone: there is no next */
};

static int take_descriptor(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int descriptor;

    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len < CMSG_LEN(sizeof descriptor))
        return -1;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

/* A connection, -1 with errno, or NOT_OURS. */
static int receive(int number)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct delivery delivery = {0};
    struct iovec part = {&delivery, sizeof delivery};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t size = libc_calls()->recvmsg(number, &message, MSG_CMSG_CLOEXEC);
    int descriptor;

    if (size < 0)
        return errno == ECONNRESET ? NOT_OURS : -1;
    descriptor = take_descriptor(&message);
    if (descriptor >= 0 && size == sizeof delivery && delivery.magic == PROTOCOL_MAGIC)
        return descriptor;
    if (descriptor >= 0)
        kernel_close(descriptor);
    if (size > 0 && !(message.msg_flags & MSG_CTRUNC))
        return NOT_OURS;
    if (size == 0 && channel_is_over())
        return NOBODY;
    errno = size == 0 ? EINVAL : EMFILE; /* shut down; no room for a descriptor */
    return -1;
}

/*
 * The supervisor was killed, and no keeper of ours is there to end us: a worker of the server's
 * first process. It would be woken by the end of its stand-ins for ever; it ends as on TERM.
 */
static int accept_from_nobody(int number)
{
    static pid_t told;
    struct registration list[REGISTRATIONS];

    registrations_take(number, list);
    if (__atomic_exchange_n(&told, process.pid, __ATOMIC_RELAXED) != process.pid)
        kernel_call(SYS_kill, process.pid, SIGTERM, 0, 0, 0, 0);
    if (kernel_fcntl(number, F_GETFL, 0) & O_NONBLOCK)
        errno = EAGAIN;
    else
        libc_calls()->poll(NULL, 0, -1); /* as one waits for nobody: until a signal */
    return -1;
}

/* Gives it the flags and tells whose it is. -1 with errno: it is closed. */
static int finish(int connection, struct sockaddr *address, socklen_t *length, int flags)
{
    int result = 0;

    if (flags & SOCK_NONBLOCK)
        kernel_fcntl(connection, F_SETFL, O_NONBLOCK);
    if (!(flags & SOCK_CLOEXEC))
        kernel_fcntl(connection, F_SETFD, 0);
    if (address)
        result = kernel_getpeername(connection, address, length);
    if (result == 0) {
        descriptor_forget(connection); /* what had the number was closed behind our back */
        return connection;
    }
    kernel_close(connection);
    errno = result == -ENOTCONN ? ECONNABORTED : -result;
    return -1;
}

/*
 * Is there a number for another descriptor? accept(2) asks ahead, and the client stays in the
 * queue; a message whose descriptor does not fit is lost.
 */
static bool has_room(int number)
{
    int copy = kernel_fcntl(number, F_DUPFD_CLOEXEC, 0);

    if (copy >= 0)
        kernel_close(copy);
    else
        errno = -copy;
    return copy >= 0;
}

static int accept_one(int number, struct sockaddr *address, socklen_t *length, int flags)
{
    int saved_errno = errno, connection;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
        errno = EINVAL;
        return -1;
    }
    if (!has_room(number))
        return -1;
    do
        connection = receive(number);
    while (connection == NOT_OURS);
    if (connection == NOBODY)
        return accept_from_nobody(number);
    if (connection >= 0)
        connection = finish(connection, address, length, flags);
    if (connection >= 0)
        errno = saved_errno;
    return connection;
}

/*
 * Without proof by the cookie, which would cost a system call: whatever else can be accepted from
 * was recorded when it began to listen, and nothing else is harmed by a message less.
 */
bool instance_accept(
    int number, struct sockaddr *address, socklen_t *length, int flags, int *result)
{
    if (!listing_brings_clients(number))
        return false;
    if (process.scopes) { /* it has been taken over: no client comes here */
        process_begin_serving();
        thread_end_scope();
    }
    *result = accept_one(number, address, length, flags);
    return true;
}
