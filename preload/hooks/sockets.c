/*
 * sockets.c: names and options of sockets, which differ for what stands for a listener; connect(2).
 */
#include "instance/instance.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>

/* 0 or -errno */
static int done(int error)
{
    if (error == 0)
        return 0;
    errno = -error;
    return -1;
}

int getsockname(int number, __SOCKADDR_ARG address, socklen_t *length)
{
    int result;

    if (instance_getsockname(number, address.__sockaddr__, length, &result))
        return result;
    result = libc_calls()->getsockname(number, address, length);
    return result == 0 ? done(scope_told_name(number, address.__sockaddr__, *length)) : result;
}

int getpeername(int number, __SOCKADDR_ARG address, socklen_t *length)
{
    if (instance_is_stand_in(number)) {
        errno = ENOTCONN;
        return -1;
    }
    return libc_calls()->getpeername(number, address, length);
}

int getsockopt(int number, int level, int option, void *value, socklen_t *length)
{
    int result;

    if (instance_getsockopt(number, level, option, value, length, &result))
        return result;
    if (scope_get_option(number, level, option, value, length))
        return 0;
    return libc_calls()->getsockopt(number, level, option, value, length);
}

int setsockopt(int number, int level, int option, const void *value, socklen_t length)
{
    int result;

    if (instance_setsockopt(number, level, option, value, length, &result))
        return result;
    if (scope_set_option(number, level, option, value, length))
        return 0;
    return libc_calls()->setsockopt(number, level, option, value, length);
}

int connect(int number, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    int result;

    thread_check();
    if (!scope_may_connect(number)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (done(scope_sends_to(number, address.__sockaddr__, length)) < 0)
        return -1;
    result = libc_calls()->connect(number, address, length);
    if (result == 0)
        scope_connected(number);
    return result;
}
