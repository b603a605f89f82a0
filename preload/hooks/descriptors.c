/* descriptors.c: closing, copying and making. To the server, wsapeer's own descriptors are not
 * there. */
#include "libc.h"
#include "scope/program.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>

static int no_such_descriptor(void)
{
    errno = EBADF;
    return -1;
}

int close(int number)
{
    bool was_last;
    int result;

    thread_check();
    if (scope_owns(number))
        return no_such_descriptor();
    was_last = scope_before_close(number);
    result = libc_calls()->close(number);
    scope_after_close(was_last);
    return result;
}

int close_range(unsigned first, unsigned last, int flags)
{
    thread_check();
    return scope_close_range(first, last, flags);
}

void closefrom(int first)
{
    thread_check();
    scope_close_range(first < 0 ? 0 : (unsigned)first, UINT_MAX, 0);
}

/* From another process: whatever that had there. */
int pidfd_getfd(int owner, int number, unsigned flags)
{
    int copy;

    thread_check();
    copy = libc_calls()->pidfd_getfd(owner, number, flags);
    scope_fetched(copy);
    return copy;
}

int dup(int number)
{
    int copy;

    thread_check();
    if (scope_owns(number))
        return no_such_descriptor();
    if (!program_may_copy(number))
        return -1;
    copy = libc_calls()->dup(number);
    scope_copied(number, copy);
    return copy;
}

int dup2(int number, int copy)
{
    thread_check();
    return scope_dup3(number, copy, -1);
}

int dup3(int number, int copy, int flags)
{
    thread_check();
    return scope_dup3(number, copy, flags);
}

static int control(int number, int command, void *argument)
{
    bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    int result;

    thread_check();
    if (scope_owns(number))
        return no_such_descriptor();
    if (copies && !program_may_copy(number))
        return -1;
    result = libc_calls()->fcntl64(number, command, argument);
    if (copies)
        scope_copied(number, result);
    return result;
}

int fcntl(int number, int command, ...)
{
    va_list list;
    void *argument;

    va_start(list, command);
    argument = va_arg(list, void *);
    va_end(list);
    return control(number, command, argument);
}

int fcntl64(int number, int command, ...)
{
    va_list list;
    void *argument;

    va_start(list, command);
    argument = va_arg(list, void *);
    va_end(list);
    return control(number, command, argument);
}

int pipe(int pair[2])
{
    int result = libc_calls()->pipe(pair);

    if (result == 0)
        scope_made_pipe(pair[0], pair[1]);
    return result;
}

int pipe2(int pair[2], int flags)
{
    int result = libc_calls()->pipe2(pair, flags);

    if (result == 0)
        scope_made_pipe(pair[0], pair[1]);
    return result;
}

int socketpair(int family, int type, int protocol, int pair[2])
{
    int result = libc_calls()->socketpair(family, type, protocol, pair);

    if (result == 0)
        scope_made_pipe(pair[0], pair[1]);
    return result;
}

int eventfd(unsigned value, int flags)
{
    int number = libc_calls()->eventfd(value, flags);

    scope_made_pipe(number, -1);
    return number;
}
