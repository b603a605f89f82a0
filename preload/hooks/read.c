/* read.c: everything by which bytes of a connection reach the server, with the fortified forms. */
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <limits.h>

ssize_t read(int number, void *buffer, size_t size)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(number, size, libc_calls()->read(number, buffer, size));
}

ssize_t __read_chk(int number, void *buffer, size_t size, size_t room)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(number, size, libc_calls()->__read_chk(number, buffer, size, room));
}

ssize_t readv(int number, const struct iovec *parts, int count)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(number, SSIZE_MAX, libc_calls()->readv(number, parts, count));
}

ssize_t recv(int number, void *buffer, size_t size, int flags)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(number, size, libc_calls()->recv(number, buffer, size, flags));
}

ssize_t __recv_chk(int number, void *buffer, size_t size, size_t room, int flags)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(
        number, size, libc_calls()->__recv_chk(number, buffer, size, room, flags));
}

ssize_t recvfrom(
    int number, void *buffer, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *length)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(
        number, size, libc_calls()->recvfrom(number, buffer, size, flags, address, length));
}

ssize_t __recvfrom_chk(int number, void *buffer, size_t size, size_t room, int flags,
    struct sockaddr *address, socklen_t *length)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(number, size,
        libc_calls()->__recvfrom_chk(number, buffer, size, room, flags, address, length));
}

ssize_t recvmsg(int number, struct msghdr *message, int flags)
{
    thread_check();
    scope_before_receive(number);
    return scope_received(number, SSIZE_MAX, libc_calls()->recvmsg(number, message, flags));
}

int recvmmsg(
    int number, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    thread_check();
    scope_before_receive(number);
    return (int)scope_received(
        number, SSIZE_MAX, libc_calls()->recvmmsg(number, messages, count, flags, timeout));
}
