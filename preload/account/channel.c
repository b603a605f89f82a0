/* channel.c: see channel.h. */
#include "account/channel.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static int channel = -1;
static uint64_t channel_cookie;

/*
 * Our descriptors stand out of the way of a server's own numbers, but below what an fd_set holds:
 * the kernel's table grows with the highest number, and select(2) looks at as much of its sets.
 */
enum { HIGHEST = 1024, ROOM = 48 };

int channel_descriptor(void)
{
    return channel;
}

int channel_raise_descriptor(int descriptor)
{
    struct rlimit limit = {0};
    int moved;

    kernel_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
    if (limit.rlim_cur > HIGHEST)
        limit.rlim_cur = HIGHEST;
    moved = kernel_fcntl(
        descriptor, F_DUPFD_CLOEXEC, limit.rlim_cur > 2 * ROOM ? (long)limit.rlim_cur - ROOM : 3);
    if (moved >= 0)
        kernel_close(descriptor);
    return moved;
}

static bool still_ours(void)
{
    return kernel_is_socket(channel, channel_cookie);
}

bool channel_owns(int number)
{
    return number >= 0 && number == channel && still_ours();
}

bool channel_is_over(void)
{
    struct pollfd set = {.fd = channel};
    struct timespec at_once = {0, 0};

    return still_ours() && kernel_call(SYS_ppoll, (long)&set, 1, (long)&at_once, 0, 0, 0) == 1 &&
           set.revents & POLLHUP;
}

int channel_move(void)
{
    int flags = kernel_fcntl(channel, F_GETFD, 0);
    int moved = kernel_fcntl(channel, F_DUPFD_CLOEXEC, channel + 1);

    if (moved < 0)
        moved = kernel_fcntl(channel, F_DUPFD_CLOEXEC, 3);
    if (moved < 0) {
        channel_close();
        return moved;
    }
    kernel_fcntl(moved, F_SETFD, flags);
    kernel_close(channel);
    channel = moved;
    return 0;
}

void channel_set_inheritable(bool inheritable)
{
    if (still_ours())
        kernel_fcntl(channel, F_SETFD, inheritable ? 0 : FD_CLOEXEC);
}

void channel_close(void)
{
    if (still_ours())
        kernel_close(channel);
    channel = -1;
}

static int wait_for(int descriptor, short events, int64_t deadline)
{
    struct pollfd set = {.fd = descriptor, .events = events};

    for (;;) {
        int64_t left = deadline - clock_now();
        struct timespec timeout = {left / 1000, left % 1000 * 1000000};
        long result;

        if (left <= 0)
            return -ETIMEDOUT;
        result = kernel_call(SYS_ppoll, (long)&set, 1, (long)&timeout, 0, 0, 0);
        if (result > 0)
            return 0;
        if (result < 0 && result != -EINTR)
            return (int)result;
    }
}

/* The descriptors of a message: the reply socket, and what is attached. */
struct parcel {
    int reply, attached; /* -1: none */
};

static void pack(struct msghdr *message, struct cmsghdr *header, struct parcel parcel)
{
    unsigned count = 0;
    int descriptors[2];

    if (parcel.reply >= 0)
        descriptors[count++] = parcel.reply;
    if (parcel.attached >= 0)
        descriptors[count++] = parcel.attached;
    if (count == 0)
        return;
    *header = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    message->msg_control = header;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
}

static int send_request(const struct request *request, struct parcel parcel, int64_t deadline)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec part = {(void *)(uintptr_t)request, sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;

    if (!still_ours())
        return -ENOTCONN;
    memset(&control, 0, sizeof control);
    pack(&message, &control.header, parcel);
    while ((sent = kernel_sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0) {
        int result = sent == -EAGAIN && deadline ? wait_for(channel, POLLOUT, deadline) : (int)sent;

        if (result < 0 && result != -EINTR)
            return result;
    }
    return 0;
}

void channel_report(const struct request *request)
{
    send_request(request, (struct parcel){-1, -1}, 0);
}

/* Receives the answer that has arrived; a descriptor that nobody wants is closed. */
static ssize_t take_answer(int reply, const struct iovec *parts, unsigned count, int *received)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr answer = {.msg_iov = (void *)(uintptr_t)parts,
        .msg_iovlen = count,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t size = kernel_recvmsg(reply, &answer, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    cleanup_descriptor int descriptor = -1;

    if (size >= 0 && answer.msg_controllen >= CMSG_LEN(sizeof(int)) &&
        control.header.cmsg_level == SOL_SOCKET && control.header.cmsg_type == SCM_RIGHTS)
        memcpy(&descriptor, CMSG_DATA(&control.header), sizeof descriptor);
    if (received)
        *received = descriptor_steal(&descriptor);
    return size;
}

ssize_t channel_exchange(const struct request *request, int attached, const struct iovec *parts,
    unsigned count, int *received)
{
    int64_t deadline = clock_now() + PROTOCOL_TIMEOUT_MS;
    int pair[2], result = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    cleanup_descriptor int reply = result == 0 ? pair[0] : -1;

    if (received)
        *received = -1;
    if (result < 0)
        return result;
    result = send_request(request, (struct parcel){pair[1], attached}, deadline);
    kernel_close(pair[1]);
    if (result == 0)
        result = wait_for(reply, POLLIN, deadline);
    if (result < 0)
        return result;
    return take_answer(reply, parts, count, received);
}

ssize_t channel_ask(const struct request *request, const struct iovec *parts, unsigned count)
{
    return channel_exchange(request, -1, parts, count, NULL);
}

int channel_open(int descriptor, struct settings *settings)
{
    struct request greeting = {.magic = PROTOCOL_MAGIC, .kind = REQUEST_GREETING};
    struct iovec part = {settings, sizeof *settings};
    ssize_t received;

    if (kernel_socket_cookie(descriptor, &channel_cookie) < 0)
        return -EBADF;
    channel = descriptor; /* `run` gave it a high number, and the environment names that */
    received = channel_ask(&greeting, &part, 1);
    if (received < 0)
        return (int)received;
    return received == sizeof *settings && settings->magic == PROTOCOL_MAGIC ? 0 : -EPROTO;
}
