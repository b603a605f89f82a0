/*
 * kernel.h: system calls made without libc.
 *
 * Invariant: nothing here touches errno, is a cancellation point, or passes a hook of ours or of
 * anybody else. That is why the code that runs inside a server's process calls the kernel through
 * this file and not through libc: our own close() must not walk into our hook, a lookup made on
 * behalf of accept() must not be cancelled half way, and a vfork child may not write to errno,
 * which it shares with its parent.
 *
 * Every function returns what the kernel returned: a value >= 0, or -errno.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>

#if defined(__x86_64__)

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#else
#error "wsapeer runs on x86-64 and aarch64"
#endif

static inline int kernel_close(int descriptor)
{
    return (int)kernel_call(SYS_close, descriptor, 0, 0, 0, 0, 0);
}

static inline int kernel_fcntl(int descriptor, int command, long argument)
{
    return (int)kernel_call(SYS_fcntl, descriptor, command, argument, 0, 0, 0);
}

static inline int kernel_openat(int directory, const char *path, int flags)
{
    return (int)kernel_call(SYS_openat, directory, (long)path, flags | O_CLOEXEC, 0, 0, 0);
}

static inline ssize_t kernel_read(int descriptor, void *buffer, size_t size)
{
    return kernel_call(SYS_read, descriptor, (long)buffer, (long)size, 0, 0, 0);
}

static inline int kernel_socket(int family, int type, int protocol)
{
    return (int)kernel_call(SYS_socket, family, type | SOCK_CLOEXEC, protocol, 0, 0, 0);
}

static inline int kernel_socketpair(int family, int type, int protocol, int pair[2])
{
    return (int)kernel_call(
        SYS_socketpair, family, type | SOCK_CLOEXEC, protocol, (long)pair, 0, 0);
}

static inline int kernel_bind(int descriptor, const struct sockaddr *address, socklen_t length)
{
    return (int)kernel_call(SYS_bind, descriptor, (long)address, length, 0, 0, 0);
}

static inline int kernel_getsockname(int descriptor, struct sockaddr *address, socklen_t *length)
{
    return (int)kernel_call(SYS_getsockname, descriptor, (long)address, (long)length, 0, 0, 0);
}

static inline int kernel_getpeername(int descriptor, struct sockaddr *address, socklen_t *length)
{
    return (int)kernel_call(SYS_getpeername, descriptor, (long)address, (long)length, 0, 0, 0);
}

static inline int kernel_getsockopt(
    int descriptor, int level, int option, void *value, socklen_t *length)
{
    return (int)kernel_call(
        SYS_getsockopt, descriptor, level, option, (long)value, (long)length, 0);
}

static inline int kernel_setsockopt(
    int descriptor, int level, int option, const void *value, socklen_t length)
{
    return (int)kernel_call(SYS_setsockopt, descriptor, level, option, (long)value, length, 0);
}

static inline ssize_t kernel_sendto(int descriptor, const void *buffer, size_t size, int flags,
    const struct sockaddr *address, socklen_t length)
{
    return kernel_call(
        SYS_sendto, descriptor, (long)buffer, (long)size, flags, (long)address, length);
}

static inline ssize_t kernel_sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    return kernel_call(SYS_sendmsg, descriptor, (long)message, flags, 0, 0, 0);
}

static inline ssize_t kernel_recvfrom(int descriptor, void *buffer, size_t size, int flags)
{
    return kernel_call(SYS_recvfrom, descriptor, (long)buffer, (long)size, flags, 0, 0);
}

static inline ssize_t kernel_recvmsg(int descriptor, struct msghdr *message, int flags)
{
    return kernel_call(SYS_recvmsg, descriptor, (long)message, flags, 0, 0, 0);
}

/* The limits of the calling process; `limit` has 64-bit fields whatever libc's rlim_t is. */
static inline int kernel_getrlimit(int resource, struct rlimit64 *limit)
{
    return (int)kernel_call(SYS_prlimit64, 0, resource, 0, (long)limit, 0, 0);
}

static inline void kernel_yield(void)
{
    kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static inline pid_t kernel_gettid(void)
{
    return (pid_t)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static inline pid_t kernel_getpid(void)
{
    return (pid_t)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/*
 * The kernel's number for a socket, unique for as long as the network namespace lives, so that a
 * reused descriptor number is told from the socket it used to be (socket(7), SO_COOKIE).
 */
static inline int kernel_socket_cookie(int descriptor, uint64_t *cookie)
{
    socklen_t length = sizeof *cookie;

    return kernel_getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, cookie, &length);
}

/* Is it the socket that had this cookie? */
static inline bool kernel_is_socket(int descriptor, uint64_t cookie)
{
    uint64_t found;

    return descriptor >= 0 && kernel_socket_cookie(descriptor, &found) == 0 && found == cookie;
}
