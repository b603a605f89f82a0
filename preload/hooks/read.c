/* read.c: everything by which bytes reach the server, with the fortified forms. */
#include "instance/instance.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>
#include <limits.h>

static size_t size_of(const struct iovec *parts, int count)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    return size;
}

/* Who sent a datagram is told beside it: it is received as a message, whatever call it was. */
static ssize_t receive_parts(const struct reading *reading, const struct iovec *parts, int count,
    int flags, struct sockaddr *address, socklen_t *length)
{
    struct msghdr message = {.msg_name = address,
        .msg_namelen = address && length ? *length : 0,
        .msg_iov = (struct iovec *)(uintptr_t)parts,
        .msg_iovlen = (size_t)count};
    ssize_t result = scope_receive_datagram(reading->number, &message, flags);

    if (result >= 0 && address && length)
        *length = message.msg_namelen;
    return result;
}

static ssize_t receive(const struct reading *reading, void *buffer, size_t size, int flags,
    struct sockaddr *address, socklen_t *length)
{
    struct iovec part = {buffer, size};

    return receive_parts(reading, &part, 1, flags, address, length);
}

static bool are_datagrams(const struct reading *reading)
{
    return reading->kind == DESCRIPTOR_DATAGRAMS;
}

static bool may_read(int number, struct reading *reading)
{
    thread_check();
    return scope_before_receive(number, reading);
}

ssize_t read(int number, void *buffer, size_t size)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && size > 0) /* a read(2) of nothing takes nothing */
        return receive(&reading, buffer, size, 0, NULL, NULL);
    return scope_received(&reading, size, libc_calls()->read(number, buffer, size));
}

ssize_t __read_chk(int number, void *buffer, size_t size, size_t room)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && size > 0 && size <= room)
        return receive(&reading, buffer, size, 0, NULL, NULL);
    return scope_received(&reading, size, libc_calls()->__read_chk(number, buffer, size, room));
}

ssize_t readv(int number, const struct iovec *parts, int count)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && size_of(parts, count) > 0)
        return receive_parts(&reading, parts, count, 0, NULL, NULL);
    return scope_received(&reading, SSIZE_MAX, libc_calls()->readv(number, parts, count));
}

ssize_t recv(int number, void *buffer, size_t size, int flags)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading))
        return receive(&reading, buffer, size, flags, NULL, NULL);
    return scope_received(&reading, size, libc_calls()->recv(number, buffer, size, flags));
}

ssize_t __recv_chk(int number, void *buffer, size_t size, size_t room, int flags)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && size <= room)
        return receive(&reading, buffer, size, flags, NULL, NULL);
    return scope_received(
        &reading, size, libc_calls()->__recv_chk(number, buffer, size, room, flags));
}

ssize_t recvfrom(
    int number, void *buffer, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *length)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading))
        return receive(&reading, buffer, size, flags, address.__sockaddr__, length);
    return scope_received(
        &reading, size, libc_calls()->recvfrom(number, buffer, size, flags, address, length));
}

ssize_t __recvfrom_chk(int number, void *buffer, size_t size, size_t room, int flags,
    struct sockaddr *address, socklen_t *length)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && size <= room)
        return receive(&reading, buffer, size, flags, address, length);
    return scope_received(&reading, size,
        libc_calls()->__recvfrom_chk(number, buffer, size, room, flags, address, length));
}

static void passed(const struct msghdr *message)
{
    scope_passed(message);
    instance_passed(message);
}

ssize_t recvmsg(int number, struct msghdr *message, int flags)
{
    struct reading reading;
    ssize_t result;

    if (!may_read(number, &reading))
        return -1;
    result = are_datagrams(&reading) ? scope_receive_datagram(number, message, flags)
                                     : libc_calls()->recvmsg(number, message, flags);
    if (result < 0)
        return result;
    result = scope_received(&reading, SSIZE_MAX, result);
    if (result >= 0)
        passed(message);
    else
        scope_discard(message);
    return result;
}

/* One, so that each has its scope. */
static int receive_first(int number, struct mmsghdr *message, int flags)
{
    ssize_t result = scope_receive_datagram(number, &message->msg_hdr, flags & ~MSG_WAITFORONE);

    if (result < 0)
        return -1;
    message->msg_len = (unsigned)result;
    passed(&message->msg_hdr);
    return 1;
}

int recvmmsg(
    int number, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    struct reading reading;
    int received, result;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && messages && count > 0)
        return receive_first(number, messages, flags);
    received = libc_calls()->recvmmsg(number, messages, count, flags, timeout);
    result = (int)scope_received(&reading, SSIZE_MAX, received);
    for (int i = 0; i < received; i++)
        (result < 0 ? scope_discard : passed)(&messages[i].msg_hdr);
    return result;
}

/* A position in a file: no connection has one, but a file of another peer's may be meant. */

ssize_t pread(int number, void *buffer, size_t size, off_t position)
{
    struct reading reading;

    return may_read(number, &reading) ? libc_calls()->pread(number, buffer, size, position) : -1;
}

ssize_t pread64(int number, void *buffer, size_t size, off64_t position)
{
    struct reading reading;

    return may_read(number, &reading) ? libc_calls()->pread64(number, buffer, size, position) : -1;
}

ssize_t __pread_chk(int number, void *buffer, size_t size, off_t position, size_t room)
{
    struct reading reading;

    return may_read(number, &reading)
               ? libc_calls()->__pread_chk(number, buffer, size, position, room)
               : -1;
}

ssize_t __pread64_chk(int number, void *buffer, size_t size, off64_t position, size_t room)
{
    struct reading reading;

    return may_read(number, &reading)
               ? libc_calls()->__pread64_chk(number, buffer, size, position, room)
               : -1;
}

ssize_t preadv(int number, const struct iovec *parts, int count, off_t position)
{
    struct reading reading;

    return may_read(number, &reading) ? libc_calls()->preadv(number, parts, count, position) : -1;
}

ssize_t preadv64(int number, const struct iovec *parts, int count, off64_t position)
{
    struct reading reading;

    return may_read(number, &reading) ? libc_calls()->preadv64(number, parts, count, position) : -1;
}

ssize_t preadv2(int number, const struct iovec *parts, int count, off_t position, int flags)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    if (are_datagrams(&reading) && position == -1 && size_of(parts, count) > 0)
        return receive_parts(
            &reading, parts, count, flags & RWF_NOWAIT ? MSG_DONTWAIT : 0, NULL, NULL);
    return scope_received(&reading, SSIZE_MAX, /* position -1: as readv(2) */
        libc_calls()->preadv2(number, parts, count, position, flags));
}

ssize_t preadv64v2(int number, const struct iovec *parts, int count, off64_t position, int flags)
{
    return preadv2(number, parts, count, position, flags);
}

/* Bytes of a connection on their way into a pipe are read by whoever reads that. */
ssize_t splice(
    int from, off64_t *from_position, int to, off64_t *to_position, size_t size, unsigned flags)
{
    struct reading reading;

    if (!may_read(from, &reading) || !scope_may_use(to))
        return -1;
    if (scope_denies_datagrams(from, "splice(2)")) {
        errno = EINVAL;
        return -1;
    }
    return scope_received(
        &reading, size, libc_calls()->splice(from, from_position, to, to_position, size, flags));
}
