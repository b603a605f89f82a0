#include "socket_name.h"

#include "cleanup.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int socket_name_number(const char *text, int lowest, int *number)
{
    long value = 0;

    if (*text == '\0')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        value = value * 10 + (*text - '0');
        if (value > INT_MAX)
            return -EINVAL;
    }
    *number = (int)value;
    return value >= lowest ? 0 : -EINVAL;
}

static void describe(const struct socket_name *name, char *text, size_t size)
{
    if (name->pid == 0)
        snprintf(text, size, "descriptor %d", name->descriptor);
    else
        snprintf(text, size, "descriptor %d of process %d", name->descriptor, (int)name->pid);
}

static int explain(
    const struct socket_name *name, int error, const char *advice, char *message, size_t size)
{
    char what[64];

    describe(name, what, sizeof what);
    snprintf(message, size, "cannot look at %s: %s; %s", what, strerror(-error), advice);
    return error;
}

/* Gives the socket and, for another process's, a pidfd that names its namespaces. */
static int open_named(
    const struct socket_name *name, int *copy, int *process, char *message, size_t size)
{
    if (name->pid == 0) {
        *copy = kernel_fcntl(name->descriptor, F_DUPFD_CLOEXEC, 3);
        if (*copy < 0)
            return explain(name, *copy, "name an open one with --fd", message, size);
        return 0;
    }
    *process = (int)kernel_call(SYS_pidfd_open, name->pid, 0, 0, 0, 0, 0);
    if (*process < 0)
        return explain(name, *process, "there is no such process", message, size);
    *copy = (int)kernel_call(SYS_pidfd_getfd, *process, name->descriptor, 0, 0, 0, 0);
    if (*copy < 0)
        return explain(name, *copy,
            *copy == -EBADF ? "it is not open there; see /proc/PID/fd"
                            : "only who may trace that process may look (its user, or root)",
            message, size);
    return 0;
}

static int get_number(int socket, int option, void *value, socklen_t size)
{
    return kernel_getsockopt(socket, SOL_SOCKET, option, value, &size);
}

/* Is this a TCP socket of another network namespace than this thread's? */
static bool is_foreign(int socket)
{
    cleanup_descriptor int ours = -1;
    uint64_t own_namespace, its_namespace;
    int family;

    if (get_number(socket, SO_DOMAIN, &family, sizeof family) < 0 ||
        (family != AF_INET && family != AF_INET6))
        return false;
    ours = kernel_socket(AF_UNIX, SOCK_STREAM, 0);
    if (ours < 0 || get_number(ours, SO_NETNS_COOKIE, &own_namespace, sizeof own_namespace) < 0 ||
        get_number(socket, SO_NETNS_COOKIE, &its_namespace, sizeof its_namespace) < 0)
        return false; /* identity/ will find out, and say so */
    return own_namespace != its_namespace;
}

/*
 * NSS may have to go out by network afterwards, so the way back is opened first. Where we may not
 * go, identity/ answers IDENTITY_REASON_NAMESPACE, which is what the user should read.
 */
static int identify_there(int process, int socket, struct identity *identity)
{
    cleanup_descriptor int home = kernel_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY);
    int result;

    if (home < 0 || setns(process, CLONE_NEWNET) < 0)
        return identity_of_connection(socket, identity);
    result = identity_of_connection(socket, identity);
    identity_after_fork(); /* its sock_diag sockets are of that namespace */
    return setns(home, CLONE_NEWNET) < 0 ? -errno : result;
}

int socket_name_identify(const struct socket_name *name, int *copy, struct identity *identity,
    char *message, size_t size)
{
    cleanup_descriptor int socket = -1, process = -1;
    int result = open_named(name, &socket, &process, message, size);

    *copy = -1;
    if (result < 0)
        return result;
    identity_prepare();
    if (process >= 0 && is_foreign(socket))
        result = identify_there(process, socket, identity);
    else
        result = identity_of_connection(socket, identity);
    *copy = descriptor_steal(&socket);
    return result == 0 ? 0 : explain(name, result, "it must be a connected socket", message, size);
}
