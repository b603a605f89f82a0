/*
 * accept.c: accept(2), accept4(2), listen(2), bind(2). The way of a connection goes on in
 * scope/accept.c.
 */
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

int accept(int listener, __SOCKADDR_ARG address, socklen_t *length)
{
    thread_check();
    return scope_accept(listener, address.__sockaddr__, length, 0);
}

int accept4(int listener, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    thread_check();
    return scope_accept(listener, address.__sockaddr__, length, flags);
}

int bind(int number, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    int result = libc_calls()->bind(number, address, length);

    if (result == 0)
        scope_bound(number);
    return result;
}

int listen(int number, int backlog)
{
    int result = libc_calls()->listen(number, backlog);

    if (result == 0)
        scope_listening(number);
    return result;
}
