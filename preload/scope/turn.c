/* turn.c: see turn.h. */
#include "scope/turn.h"

#include "cleanup.h"
#include "kernel.h"
#include "scope/datagrams.h"
#include "scope/descriptors.h"
#include "scope/signals.h"
#include "scope/silence.h"
#include "scope/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>

enum { MOST_LOOKS = 64 };

/* ---- children -------------------------------------------------------------------------------- */

/* A descriptor of the process, -1 unless it is a child of ours that lives. */
static int open_living(pid_t pid)
{
    int child = (int)kernel_call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
    siginfo_t end = {0};

    if (child < 0)
        return -1;
    if (kernel_call(SYS_waitid, P_PIDFD, child, (long)&end, WEXITED | WNOHANG | WNOWAIT | __WALL, 0,
            0) == 0 &&
        end.si_pid == 0)
        return child;
    kernel_close(child);
    return -1;
}

/* The first that lives of a list of numbers, each followed by a space; -1 if there is none. */
static int open_listed(int list)
{
    char text[1024];
    ssize_t size;
    pid_t pid = 0;

    while ((size = kernel_read(list, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < size; i++) {
            bool digit = text[i] >= '0' && text[i] <= '9';
            int child = digit || pid == 0 ? -1 : open_living(pid);

            if (child >= 0)
                return child;
            pid = digit ? pid * 10 + text[i] - '0' : 0;
        }
    }
    return -1;
}

static int open_child(void)
{
    cleanup_descriptor int list = kernel_openat(AT_FDCWD, "/proc/thread-self/children", O_RDONLY);

    return list < 0 ? -1 : open_listed(list);
}

/* ---- the client -------------------------------------------------------------------------------
 */

static uint64_t own; /* the cookie of what the handler was made for */
static unsigned looks;
static bool goes_on;

void turn_begin(uint64_t cookie)
{
    own = cookie;
    looks = 0;
    goes_on = false;
}

static void find_own(int number, const struct descriptor *entry, void *context)
{
    enum descriptor_kind *kind = context;

    if (entry->cookie == own && kernel_is_socket(number, own))
        *kind = entry->kind;
}

static enum descriptor_kind kind_of_own(void)
{
    enum descriptor_kind kind = DESCRIPTOR_UNKNOWN;

    descriptor_visit(find_own, &kind);
    return kind;
}

/*
 * Servers look whether there are more before they answer. A connection shows that its client is
 * there still; who was sent a datagram by its client has so many looks to answer.
 */
static bool may_look(void)
{
    enum descriptor_kind kind = kind_of_own();

    return kind == DESCRIPTOR_CONNECTION || (kind == DESCRIPTOR_DATAGRAMS && looks++ < MOST_LOOKS);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A server that made a thread for its client waits for the next one in another: who answers goes
 * on, and the last thread's end is the process's. */
static _Noreturn void end(void)
{
    fflush(NULL);
    if (process_count_threads() > 1)
        for (;;)
            kernel_call(SYS_exit, 0, 0, 0, 0, 0, 0);
    for (;;)
        kernel_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

int turn_before_call(bool waits)
{
    if (!process.is_handler)
        return 0;
    if (!waits && may_look())
        return -EAGAIN;
    for (;;) {
        cleanup_descriptor int child = open_child();
        struct pollfd set = {.fd = child, .events = POLLIN};

        if (child < 0)
            end();
        if (kernel_call(SYS_ppoll, (long)&set, 1, 0, 0, 0, 0) == -EINTR &&
            signals_heard(NULL) == SIGNALS_INTERRUPT)
            return -EINTR;
    }
}

/* Not a number that was closed behind our back and is the server's again. */
static bool is_for_us(int number, const struct descriptor *entry)
{
    siginfo_t end = {0};

    if (entry->sealed || kernel_is_socket(number, entry->cookie))
        return !entry->sealed;
    /* -EINVAL: it is no child's since the last turn. */
    return kernel_call(SYS_waitid, P_PIDFD, number, (long)&end,
               WEXITED | WNOHANG | WNOWAIT | __WALL, 0, 0) != -EINVAL;
}

static void stand_in(int number, const struct descriptor *entry, void *context)
{
    int flags = kernel_fcntl(number, F_GETFD, 0);
    struct sockaddr_storage peer;

    if (flags < 0 || !is_for_us(number, entry))
        return;
    if (entry->kind == DESCRIPTOR_LISTENER || entry->kind == DESCRIPTOR_UNTOUCHED ||
        (entry->kind == DESCRIPTOR_DATAGRAMS && !datagrams_is_own_client(number, &peer)))
        kernel_call(SYS_dup3, *(int *)context, number, flags & FD_CLOEXEC ? O_CLOEXEC : 0, 0, 0, 0);
}

void turn_before_wait(bool by_epoll, bool limited)
{
    cleanup_descriptor int child = -1;

    if (!process.is_handler || (limited && kind_of_own() == DESCRIPTOR_CONNECTION))
        return;
    child = by_epoll ? -1 : open_child();
    if (child < 0)
        end();
    descriptor_visit(stand_in, &child);
}

void turn_goes_on(void)
{
    if (!process.is_handler || goes_on)
        return;
    goes_on = true;
    silence_datagrams_too(own);
}
