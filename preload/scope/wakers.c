/* wakers.c: see wakers.h. */
#include "scope/wakers.h"

#include "kernel.h"
#include "scope/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* What has one pair number, and what is to stand in its place. */
struct pair {
    uid_t number;
    int ends[2];         /* one number of each, -1: none found; [0] is where a pipe is read */
    uint64_t cookies[2]; /* of a pair of sockets */
    int fresh[2];
    int error;
};

/* ---- which there are ------------------------------------------------------------------------- */

static bool is_pipe(int number)
{
    return kernel_fcntl(number, F_GETPIPE_SZ, 0) > 0;
}

static bool is_local_stream(int number)
{
    int family = 0;
    socklen_t length = sizeof family;

    return kernel_getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 &&
           family == AF_UNIX;
}

static bool is_event(int number)
{
    static const char expected[] = "anon_inode:[eventfd]";
    char path[64], target[sizeof expected] = "";

    snprintf(path, sizeof path, "/proc/self/fd/%d", number);
    return kernel_call(SYS_readlinkat, AT_FDCWD, (long)path, (long)target, sizeof target, 0, 0) ==
               sizeof expected - 1 &&
           memcmp(target, expected, sizeof expected - 1) == 0;
}

/* Which end of its pair is it? -1: it is no such thing any more. */
static int end_of(struct pair *pair, int number)
{
    uint64_t cookie = 0;
    int end;

    if (is_pipe(number))
        return (kernel_fcntl(number, F_GETFL, 0) & O_ACCMODE) == O_WRONLY;
    if (!is_local_stream(number))
        return is_event(number) ? 0 : -1;
    if (kernel_socket_cookie(number, &cookie) < 0)
        return -1;
    end = pair->cookies[0] != 0 && pair->cookies[0] != cookie;
    pair->cookies[end] = cookie;
    return end;
}

static void find_ends(int number, const struct descriptor *entry, void *context)
{
    struct pair *pair = context;
    int end;

    if (entry->kind != DESCRIPTOR_PIPE || entry->uid != pair->number)
        return;
    end = end_of(pair, number);
    if (end >= 0)
        pair->ends[end] = number;
}

/* ---- others in their place ------------------------------------------------------------------- */

static int make_fresh(struct pair *pair)
{
    int number = pair->ends[0], type = 0;
    socklen_t length = sizeof type;

    if (is_pipe(number))
        return (int)kernel_call(SYS_pipe2, (long)pair->fresh, O_CLOEXEC, 0, 0, 0, 0);
    if (kernel_getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0)
        return kernel_socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair->fresh);
    pair->fresh[0] = (int)kernel_call(SYS_eventfd2, 0, EFD_CLOEXEC, 0, 0, 0, 0);
    return pair->fresh[0] < 0 ? pair->fresh[0] : 0;
}

static void put_in_place(int number, const struct descriptor *entry, void *context)
{
    struct pair *pair = context;
    int end, flags, result;

    if (entry->kind != DESCRIPTOR_PIPE || entry->uid != pair->number)
        return;
    end = end_of(pair, number);
    flags = kernel_fcntl(number, F_GETFD, 0);
    if (end < 0 || flags < 0)
        return;
    kernel_fcntl(pair->fresh[end], F_SETFL, kernel_fcntl(number, F_GETFL, 0));
    result = (int)kernel_call(
        SYS_dup3, pair->fresh[end], number, flags & FD_CLOEXEC ? O_CLOEXEC : 0, 0, 0, 0);
    if (result < 0)
        pair->error = result;
}

static bool is_whole(const struct pair *pair)
{
    return pair->ends[0] >= 0 && (pair->ends[1] >= 0 || is_event(pair->ends[0]));
}

static int make_own(uid_t number)
{
    struct pair pair = {.number = number, .ends = {-1, -1}, .fresh = {-1, -1}};
    int result;

    descriptor_visit(find_ends, &pair);
    if (!is_whole(&pair))
        return 0;
    result = make_fresh(&pair);
    if (result < 0)
        return result;
    descriptor_visit(put_in_place, &pair);
    for (int end = 0; end < 2; end++)
        if (pair.fresh[end] >= 0)
            kernel_close(pair.fresh[end]);
    return pair.error;
}

/* ---- one after the other --------------------------------------------------------------------- */

/* The lowest pair number above the one that was last. */
struct search {
    uid_t last, next;
};

static void find_next(int number, const struct descriptor *entry, void *context)
{
    struct search *search = context;

    (void)number;
    if (entry->kind == DESCRIPTOR_PIPE && entry->uid > search->last && entry->uid < search->next)
        search->next = entry->uid;
}

int wakers_make_own(void)
{
    struct search search = {0};
    int result = 0;

    while (result == 0) {
        search.next = UINT32_MAX;
        descriptor_visit(find_next, &search);
        if (search.next == UINT32_MAX)
            break;
        search.last = search.next;
        result = make_own(search.next);
    }
    return result;
}
