/* write.c: everything by which bytes leave the server, or go from one descriptor to another, and by
 * which files change. */
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>

static bool may_use(int number)
{
    thread_check();
    scope_answering(number);
    return scope_may_use(number);
}

static bool may_use_both(int one, int other)
{
    return may_use(one) && scope_may_use(other);
}

ssize_t write(int number, const void *buffer, size_t size)
{
    return may_use(number) ? libc_calls()->write(number, buffer, size) : -1;
}

ssize_t writev(int number, const struct iovec *parts, int count)
{
    return may_use(number) ? libc_calls()->writev(number, parts, count) : -1;
}

ssize_t pwrite(int number, const void *buffer, size_t size, off_t position)
{
    return may_use(number) ? libc_calls()->pwrite(number, buffer, size, position) : -1;
}

ssize_t pwrite64(int number, const void *buffer, size_t size, off64_t position)
{
    return may_use(number) ? libc_calls()->pwrite64(number, buffer, size, position) : -1;
}

ssize_t pwritev(int number, const struct iovec *parts, int count, off_t position)
{
    return may_use(number) ? libc_calls()->pwritev(number, parts, count, position) : -1;
}

ssize_t pwritev64(int number, const struct iovec *parts, int count, off64_t position)
{
    return may_use(number) ? libc_calls()->pwritev64(number, parts, count, position) : -1;
}

ssize_t send(int number, const void *buffer, size_t size, int flags)
{
    return may_use(number) ? libc_calls()->send(number, buffer, size, flags) : -1;
}

static bool may_send_to(int number, const void *address, socklen_t length)
{
    int error = scope_sends_to(number, address, length);

    if (error < 0)
        errno = -error;
    return error == 0;
}

ssize_t sendto(int number, const void *buffer, size_t size, int flags, __CONST_SOCKADDR_ARG address,
    socklen_t length)
{
    return may_use(number) && may_send_to(number, address.__sockaddr__, length)
               ? libc_calls()->sendto(number, buffer, size, flags, address, length)
               : -1;
}

static bool may_send(int number, const struct msghdr *message)
{
    return scope_may_send(message) && may_send_to(number, message->msg_name, message->msg_namelen);
}

ssize_t sendmsg(int number, const struct msghdr *message, int flags)
{
    return may_use(number) && may_send(number, message)
               ? libc_calls()->sendmsg(number, message, flags)
               : -1;
}

int sendmmsg(int number, struct mmsghdr *messages, unsigned count, int flags)
{
    bool may = may_use(number);

    for (unsigned i = 0; may && i < count; i++)
        may = may_send(number, &messages[i].msg_hdr);
    return may ? libc_calls()->sendmmsg(number, messages, count, flags) : -1;
}

ssize_t sendfile(int to, int from, off_t *position, size_t size)
{
    return may_use_both(to, from) ? libc_calls()->sendfile(to, from, position, size) : -1;
}

ssize_t sendfile64(int to, int from, off64_t *position, size_t size)
{
    return may_use_both(to, from) ? libc_calls()->sendfile64(to, from, position, size) : -1;
}

ssize_t copy_file_range(
    int from, off64_t *from_position, int to, off64_t *to_position, size_t size, unsigned flags)
{
    return may_use_both(from, to)
               ? libc_calls()->copy_file_range(from, from_position, to, to_position, size, flags)
               : -1;
}

ssize_t tee(int from, int to, size_t size, unsigned flags)
{
    return may_use_both(from, to) ? libc_calls()->tee(from, to, size, flags) : -1;
}

ssize_t vmsplice(int number, const struct iovec *parts, size_t count, unsigned flags)
{
    return may_use(number) ? libc_calls()->vmsplice(number, parts, count, flags) : -1;
}

ssize_t pwritev2(int number, const struct iovec *parts, int count, off_t position, int flags)
{
    return may_use(number) ? libc_calls()->pwritev2(number, parts, count, position, flags) : -1;
}

ssize_t pwritev64v2(int number, const struct iovec *parts, int count, off64_t position, int flags)
{
    return pwritev2(number, parts, count, position, flags);
}

int ftruncate(int number, off_t size)
{
    return may_use(number) ? libc_calls()->ftruncate(number, size) : -1;
}

int ftruncate64(int number, off64_t size)
{
    return may_use(number) ? libc_calls()->ftruncate64(number, size) : -1;
}

int fallocate(int number, int mode, off_t from, off_t size)
{
    return may_use(number) ? libc_calls()->fallocate(number, mode, from, size) : -1;
}

int fallocate64(int number, int mode, off64_t from, off64_t size)
{
    return may_use(number) ? libc_calls()->fallocate64(number, mode, from, size) : -1;
}

/* These two return the error, and leave errno as it was. */
static int error_of_use(int number)
{
    int saved_errno = errno, error = may_use(number) ? 0 : errno;

    errno = saved_errno;
    return error;
}

int posix_fallocate(int number, off_t from, off_t size)
{
    int error = error_of_use(number);

    return error ? error : libc_calls()->posix_fallocate(number, from, size);
}

int posix_fallocate64(int number, off64_t from, off64_t size)
{
    int error = error_of_use(number);

    return error ? error : libc_calls()->posix_fallocate64(number, from, size);
}
