/*
 * keeper_channel.c: the channel of an instance that is somebody's.
 *
 * What comes on it is a stranger's: it may hold any descriptor, and a descriptor of a stranger's
 * can keep whoever closes it waiting (SO_LINGER, a file system of the stranger's own). So the
 * supervisor does not hear it any more. The keeper does, which is there for this instance alone,
 * and hands on what a sealed instance may ask, as bare requests with a reply socket of its own.
 * Events are not handed on: nobody could tell whether they are true.
 *
 * One request at a time; the others wait in the channel.
 */
#include "cleanup.h"
#include "descriptors.h"
#include "keeper_process.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "account/protocol.h"

enum { DESCRIPTORS = 2 }; /* as many as a request has; the kernel closes what does not fit */

struct parcel {
    union {
        struct request request;
        struct stand_in stand_in;
        struct settings settings;
    } content;
    ssize_t size;
    int descriptors[DESCRIPTORS]; /* -1: none */
};

static void take_descriptors(struct msghdr *message, struct parcel *parcel)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            memcpy(parcel->descriptors, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
}

static void receive(int socket, struct parcel *parcel)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec part = {&parcel->content, sizeof parcel->content};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};

    parcel->descriptors[0] = parcel->descriptors[1] = -1;
    parcel->size = kernel_recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (parcel->size >= 0)
        take_descriptors(&message, parcel);
}

static void throw_away(const struct parcel *parcel)
{
    descriptor_cleanup(&parcel->descriptors[0]);
    descriptor_cleanup(&parcel->descriptors[1]);
}

static bool has_no_name(int (*name)(int, struct sockaddr *, socklen_t *), int socket)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    return name(socket, (struct sockaddr *)&address, &size) == 0 && address.ss_family == AF_UNIX &&
           size == sizeof address.ss_family;
}

/* An end of a pair, whose other end waits for the answer: we write as root, and to nobody else. */
static bool is_reply(int socket)
{
    int type = 0;
    socklen_t size = sizeof type;

    return socket >= 0 && kernel_getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET && has_no_name(kernel_getsockname, socket) &&
           has_no_name(kernel_getpeername, socket);
}

/* What a sealed instance may ask: for its own stand-ins, and how its new programs are to begin. */
static bool is_handed_on(const struct request *request)
{
    switch (request->kind) {
    case REQUEST_GREETING:
    case REQUEST_BIND:
    case REQUEST_LISTEN:
    case REQUEST_WHICH:
        return true;
    default:
        return false;
    }
}

/* Takes *reply over if it is. */
static void hand_on(struct keeper_channel *channel, const struct request *request, int *reply)
{
    int pair[2];

    if (kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
        return;
    if (descriptors_send(channel->relay, request, sizeof *request, pair[1]) >= 0) {
        channel->answer = pair[0];
        channel->reply = descriptor_steal(reply);
    } else {
        kernel_close(pair[0]);
    }
    kernel_close(pair[1]);
}

void keeper_channel_hear(struct keeper_channel *channel)
{
    struct parcel parcel;
    const struct request *request = &parcel.content.request;

    receive(channel->socket, &parcel);
    if (parcel.size == -EAGAIN || parcel.size == -EINTR)
        return;
    if (parcel.size <= 0 && parcel.descriptors[0] < 0) {
        kernel_close(descriptor_steal(&channel->socket));
        return;
    }
    if (parcel.size == sizeof *request && request->magic == PROTOCOL_MAGIC &&
        is_reply(parcel.descriptors[0])) {
        static const struct stand_in own = {.magic = PROTOCOL_MAGIC, .result = -EPERM};

        if (request->kind == REQUEST_OFFER) /* a sealed one's listeners are its own affair */
            descriptors_send(parcel.descriptors[0], &own, sizeof own, -1);
        else if (is_handed_on(request))
            hand_on(channel, request, &parcel.descriptors[0]);
    }
    throw_away(&parcel);
}

void keeper_channel_answer(struct keeper_channel *channel)
{
    struct parcel parcel;

    receive(channel->answer, &parcel);
    if (parcel.size == -EAGAIN || parcel.size == -EINTR)
        return;
    if (parcel.size > 0)
        descriptors_send(
            channel->reply, &parcel.content, (size_t)parcel.size, parcel.descriptors[0]);
    throw_away(&parcel);
    kernel_close(descriptor_steal(&channel->answer));
    kernel_close(descriptor_steal(&channel->reply));
}
