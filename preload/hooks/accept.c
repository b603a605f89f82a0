/*
 * accept.c: accept(2), accept4(2), listen(2), bind(2). The way of a connection goes on in
 * scope/accept.c.
 */
#include "instance/instance.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>

static int take(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    int result;

    thread_check();
    if (!scope_passes(listener) && !instance_before_accept(listener)) {
        errno = EAGAIN;
        return -1;
    }
    if (instance_accept(listener, address, length, flags, &result))
        return result;
    return scope_accept(listener, address, length, flags);
}

int accept(int listener, __SOCKADDR_ARG address, socklen_t *length)
{
    return take(listener, address.__sockaddr__, length, 0);
}

int accept4(int listener, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    return take(listener, address.__sockaddr__, length, flags);
}

int bind(int number, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    int result, error;

    if (instance_bind(number, address.__sockaddr__, length, &result))
        return result;
    result = libc_calls()->bind(number, address, length);
    if (result < 0)
        return result;
    error = scope_bound(number);
    if (error < 0) {
        errno = -error;
        return -1;
    }
    instance_bound(number, address.__sockaddr__, length);
    return result;
}

int listen(int number, int backlog)
{
    int result;

    if (instance_listen(number, backlog, &result))
        return result;
    result = libc_calls()->listen(number, backlog);
    if (result < 0)
        return result;
    scope_listened(number);
    return instance_listening(number);
}
