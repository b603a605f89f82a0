#include "resolver.h"

#include "cleanup.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* As many as are looked at; the kernel closes what does not fit, and says so (MSG_CTRUNC). */
enum { DESCRIPTORS = 4 };

struct envelope {
    struct request request;
    bool wellformed; /* of the right size, whole, and from a process that the kernel names */
    pid_t pid;
    int descriptors[DESCRIPTORS];
    unsigned descriptor_count;
};

int resolver_prepare_channel(int channel)
{
    int on = 1;

    return setsockopt(channel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 ? 0 : -errno;
}

/* Whatever somebody sent us: a socket that lingers would hold us up in close(2). */
static void close_descriptors(const struct envelope *envelope)
{
    const struct linger never = {.l_onoff = 0};

    for (unsigned i = 0; i < envelope->descriptor_count; i++) {
        setsockopt(envelope->descriptors[i], SOL_SOCKET, SO_LINGER, &never, sizeof never);
        kernel_close(envelope->descriptors[i]);
    }
}

/* Takes the sender's pid and the descriptors, which are ours from now on, out of the message. */
static void take_ancillary(struct msghdr *message, struct envelope *envelope)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        size_t size = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_RIGHTS) {
            envelope->descriptor_count = (unsigned)(size / sizeof(int));
            memcpy(envelope->descriptors, CMSG_DATA(c), envelope->descriptor_count * sizeof(int));
        } else if (c->cmsg_type == SCM_CREDENTIALS && size == sizeof(struct ucred)) {
            struct ucred sender;

            memcpy(&sender, CMSG_DATA(c), sizeof sender);
            envelope->pid = sender.pid;
        }
    }
}

/* Returns 0, -EAGAIN if there is nothing, -ECONNRESET if there will never be anything again. */
static int receive(int channel, struct envelope *envelope)
{
    _Alignas(struct cmsghdr) char
        control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(DESCRIPTORS * sizeof(int))] = {0};
    struct iovec part = {&envelope->request, sizeof envelope->request};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    ssize_t size = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (size < 0)
        return errno == EINTR || errno == EAGAIN ? -EAGAIN : -ECONNRESET;
    if (size == 0 && message.msg_controllen == 0)
        return -ECONNRESET; /* even an empty message has its sender's credentials with it */
    take_ancillary(&message, envelope);
    envelope->wellformed = size == (ssize_t)sizeof envelope->request && envelope->pid > 0 &&
                           !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    return 0;
}

/* Is every enumerator one of ours, so that what reads them need not ask again? */
static bool is_sound(const struct request *request)
{
    const struct identity *peer = &request->peer;

    if (request->magic != PROTOCOL_MAGIC)
        return false;
    if (peer->kind > IDENTITY_HOST || peer->source > IDENTITY_SOURCE_CREDENTIALS ||
        peer->reason > IDENTITY_REASON_KERNEL)
        return false;
    if (request->kind != REQUEST_EVENT)
        return true;
    return request->verdict <= ACCOUNT_NO_INSTANCE && request->event >= EVENT_SERVED &&
           request->event <= EVENT_NAMED;
}

/* To a reply socket that is full, closed or no socket: then nobody is answered. */
static void reply(int socket, const void *bytes, size_t size)
{
    send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void resolve(const struct resolver *resolver, const struct identity *peer, int socket)
{
    struct policy_decision decision = {.verdict = ACCOUNT_DIRECTORY_ERROR};
    struct answer answer = {.magic = PROTOCOL_MAGIC};
    unsigned count = 0;

    policy_decide(resolver->policy, peer, &decision);
    answer.verdict = decision.verdict;
    answer.as_itself = decision.as_itself;
    if (decision.verdict == ACCOUNT_SERVED) {
        count = decision.account.group_count;
        answer.account = decision.account;
    }
    reply(socket, &answer, offsetof(struct answer, account.groups) + count * sizeof(gid_t));
}

/* How many descriptors a request comes with: the reply's, and what is attached. */
static unsigned wanted(const struct request *request)
{
    switch (request->kind) {
    case REQUEST_EVENT:
    case REQUEST_OPTION:
    case REQUEST_WAITS:
        return 0;
    case REQUEST_OFFER:
        return 2;
    default:
        return 1;
    }
}

static void handle_other(struct resolver *resolver, const struct envelope *envelope)
{
    const struct request *request = &envelope->request;
    unsigned count = envelope->descriptor_count;

    if (resolver->other && request->kind >= REQUEST_SERVES && request->kind <= REQUEST_WAITS)
        resolver->other(resolver->context, request, envelope->pid,
            count > 0 ? envelope->descriptors[0] : -1, count > 1 ? envelope->descriptors[1] : -1);
}

static void handle(struct resolver *resolver, const struct envelope *envelope)
{
    const struct request *request = &envelope->request;

    if (!envelope->wellformed || !is_sound(request) ||
        envelope->descriptor_count != wanted(request))
        return;
    switch (request->kind) {
    case REQUEST_GREETING:
        if (envelope->pid == resolver->server)
            resolver->greeted = true;
        reply(envelope->descriptors[0], &resolver->settings, sizeof resolver->settings);
        break;
    case REQUEST_RESOLVE:
        resolve(resolver, &request->peer, envelope->descriptors[0]);
        break;
    case REQUEST_EVENT:
        event_log_report(resolver->log, request, envelope->pid, resolver->policy);
        break;
    default:
        handle_other(resolver, envelope);
        break;
    }
}

enum resolver_state resolver_receive(struct resolver *resolver)
{
    for (int i = 0; i < RESOLVER_BATCH; i++) {
        struct envelope envelope = {.wellformed = false};
        int error = receive(resolver->channel, &envelope);

        if (error < 0)
            return error == -EAGAIN ? RESOLVER_EMPTY : RESOLVER_ENDED;
        handle(resolver, &envelope);
        close_descriptors(&envelope);
        if (resolver->stop)
            break;
    }
    return RESOLVER_EMPTY;
}
