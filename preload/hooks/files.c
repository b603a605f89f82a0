/* files.c: what is opened, made and mapped; in a scope it becomes that peer's (scope/own.c). */
#include "kernel.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static int opened(int number)
{
    scope_made_file(number);
    return number;
}

/* A directory that is kept leads past those above it, which this peer may not be let through. */
static bool may_begin_at(int directory, const char *path)
{
    thread_check();
    return directory == AT_FDCWD || (path && path[0] == '/') || scope_may_use(directory);
}

int open(const char *path, int flags, ...)
{
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = va_arg(list, mode_t); /* meaningful or not: libc knows when to look at it */
    va_end(list);
    thread_check();
    return opened(libc_calls()->open(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
    thread_check();
    return opened(libc_calls()->open64(path, flags, mode));
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
    if (!may_begin_at(directory, path))
        return -1;
    return opened(libc_calls()->openat(directory, path, flags, mode));
}

int openat64(int directory, const char *path, int flags, ...)
{
    va_list list;
    mode_t mode;

    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
    if (!may_begin_at(directory, path))
        return -1;
    return opened(libc_calls()->openat64(directory, path, flags, mode));
}

/* Programs built with fortification come here when there is no mode to be given. */
int __open_2(const char *path, int flags)
{
    thread_check();
    return opened(libc_calls()->__open_2(path, flags));
}

int __open64_2(const char *path, int flags)
{
    thread_check();
    return opened(libc_calls()->__open64_2(path, flags));
}

int __openat_2(int directory, const char *path, int flags)
{
    if (!may_begin_at(directory, path))
        return -1;
    return opened(libc_calls()->__openat_2(directory, path, flags));
}

int __openat64_2(int directory, const char *path, int flags)
{
    if (!may_begin_at(directory, path))
        return -1;
    return opened(libc_calls()->__openat64_2(directory, path, flags));
}

int creat(const char *path, mode_t mode)
{
    thread_check();
    return opened(libc_calls()->creat(path, mode));
}

int creat64(const char *path, mode_t mode)
{
    thread_check();
    return opened(libc_calls()->creat64(path, mode));
}

int socket(int family, int type, int protocol)
{
    int number;

    thread_check();
    number = libc_calls()->socket(family, type, protocol);
    scope_made_socket(number);
    return number;
}

/* What a FILE reads passes no hook. */
FILE *fdopen(int number, const char *mode)
{
    thread_check();
    if (strpbrk(mode, "r+") && scope_denies_stdio(number)) {
        errno = EOPNOTSUPP;
        return NULL;
    }
    return libc_calls()->fdopen(number, mode);
}

/*
 * Straight to the kernel, as libc itself does: memory allocators that a program brings along call
 * this before anything can be looked up, and the look-up allocates.
 */
static void *map(
    void *address, size_t size, int protection, int flags, int number, off64_t position)
{
    long result;

    if (number >= 0 && !(flags & MAP_ANONYMOUS) && !scope_may_use(number))
        return MAP_FAILED;
    result = kernel_call(SYS_mmap, (long)address, (long)size, protection, flags, number, position);
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return MAP_FAILED;
    }
    return (void *)result;
}

void *mmap(void *address, size_t size, int protection, int flags, int number, off_t position)
{
    return map(address, size, protection, flags, number, position);
}

void *mmap64(void *address, size_t size, int protection, int flags, int number, off64_t position)
{
    return map(address, size, protection, flags, number, position);
}
