/* read.c: everything by which bytes reach the server, with the fortified forms. */
#include "instance/instance.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <limits.h>

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
    return scope_received(&reading, size, libc_calls()->read(number, buffer, size));
}

ssize_t __read_chk(int number, void *buffer, size_t size, size_t room)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    return scope_received(&reading, size, libc_calls()->__read_chk(number, buffer, size, room));
}

ssize_t readv(int number, const struct iovec *parts, int count)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    return scope_received(&reading, SSIZE_MAX, libc_calls()->readv(number, parts, count));
}

ssize_t recv(int number, void *buffer, size_t size, int flags)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    return scope_received(&reading, size, libc_calls()->recv(number, buffer, size, flags));
}

ssize_t __recv_chk(int number, void *buffer, size_t size, size_t room, int flags)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    return scope_received(
        &reading, size, libc_calls()->__recv_chk(number, buffer, size, room, flags));
}

ssize_t recvfrom(
    int number, void *buffer, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *length)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
    return scope_received(
        &reading, size, libc_calls()->recvfrom(number, buffer, size, flags, address, length));
}

ssize_t __recvfrom_chk(int number, void *buffer, size_t size, size_t room, int flags,
    struct sockaddr *address, socklen_t *length)
{
    struct reading reading;

    if (!may_read(number, &reading))
        return -1;
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
    result = libc_calls()->recvmsg(number, message, flags);
    if (result < 0)
        return result;
    result = scope_received(&reading, SSIZE_MAX, result);
    if (result >= 0)
        passed(message);
    else
        scope_discard(message);
    return result;
}

int recvmmsg(
    int number, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    struct reading reading;
    int received, result;

    if (!may_read(number, &reading))
        return -1;
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
    return scope_received(
        &reading, size, libc_calls()->splice(from, from_position, to, to_position, size, flags));
}
