/*
 * receive_datagram.c: the way of one datagram: from the socket to its sender's scope.
 *
 * Every receive on a served datagram socket is a recvmsg(2) here, because who sent a datagram is
 * told beside it. It ends the scope before it and begins its sender's; who is refused, the server
 * never hears of.
 *
 * How it fails: a datagram whose sender is not known, or not to be served, is dropped, and the call
 * goes on as if it had been lost on its way: it waits for the next one as long as it would have,
 * and fails with EAGAIN only when there is none. Descriptors of a sender who is refused are not
 * installed: to close them can take as long as whoever made them likes (fuse(8)).
 */
#include "scope/scope.h"

#include "clock.h"
#include "kernel.h"
#include "libc.h"
#include "scope/admission.h"
#include "scope/control.h"
#include "scope/datagrams.h"
#include "scope/handlers.h"
#include "scope/senders.h"
#include "scope/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>

enum {
    MOST_CONTROL = 4096,                            /* more than the kernel has for one message */
    OUR_CONTROL = CMSG_SPACE(3 * sizeof(uint32_t)), /* struct ucred, or a mark */
    LEAST_QUEUED = 512,                             /* what the shortest one costs a queue */
    MOST_LOCAL = 1024,                              /* more than net.unix.max_dgram_qlen */
};

/* ---- one datagram -----------------------------------------------------------------------------
 */

union control {
    struct cmsghdr header;
    char space[MOST_CONTROL + OUR_CONTROL];
};

/*
 * As much room as the server has, and for what tells us who sent it. Credentials come first: where
 * the server has no room no descriptor is installed.
 */
static size_t room_for(const struct msghdr *message)
{
    size_t room = message->msg_control ? message->msg_controllen : 0;

    return (room < MOST_CONTROL ? room : MOST_CONTROL) + OUR_CONTROL;
}

/* Of one datagram: its size, -1 with errno, or that the server does not get it here. */
enum { DROPPED = -2, HANDED_ON = -3 };

static void drop(int number, int flags, const struct admission *admission)
{
    char nothing;

    admission_report(EVENT_REFUSED, admission);
    if (flags & MSG_PEEK) /* it is still there */
        kernel_recvfrom(number, &nothing, 0, MSG_DONTWAIT | MSG_TRUNC);
}

/*
 * Ahead of a receive that has room for descriptors: a look at who sent them, without. Who it is is
 * asked again of the message itself, since another process may have taken this one.
 */
static ssize_t look(int number, int flags)
{
    struct admission admission = {.account = {.uid = (uid_t)-1}};
    union control control;
    struct msghdr own = {.msg_control = &control, .msg_controllen = OUR_CONTROL};

    if (libc_calls()->recvmsg(number, &own, flags | MSG_PEEK) < 0)
        return -1;
    identity_of_datagram(number, process.settings.stamped_netns, &own, &admission.peer);
    if (sender_judge(number, &admission))
        return 0;
    drop(number, MSG_PEEK, &admission);
    return DROPPED;
}

static void hand_over(int number, const struct msghdr *own, struct msghdr *message)
{
    const struct descriptor *entry = datagrams_find(number);
    unsigned flags = entry ? entry->flags : 0;
    struct wanted_facts wanted = {
        flags & DATAGRAMS_WANT_CREDENTIALS, (flags & DATAGRAMS_WANT_MARK) != 0};

    if (message->msg_name && message->msg_namelen > 0)
        memcpy(message->msg_name, own->msg_name,
            message->msg_namelen < own->msg_namelen ? message->msg_namelen : own->msg_namelen);
    message->msg_namelen = message->msg_name ? own->msg_namelen : 0;
    control_hand_over(own, message, &wanted);
}

/* In the process that accepts nothing stays of what a peer sent: the next handler is a copy of it.
 */
static void wipe(const struct msghdr *asked, struct msghdr *message, size_t size)
{
    scope_discard(message); /* as cut by then: the rest is closed already */
    for (size_t i = 0; i < asked->msg_iovlen && size > 0; i++) {
        size_t part = asked->msg_iov[i].iov_len < size ? asked->msg_iov[i].iov_len : size;

        memset(asked->msg_iov[i].iov_base, 0, part);
        size -= part;
    }
    if (asked->msg_name)
        memset(asked->msg_name, 0, asked->msg_namelen);
    if (asked->msg_control)
        memset(asked->msg_control, 0, asked->msg_controllen);
}

/* To the server: in this process, or in a handler of its own. */
static ssize_t deliver(int number, const struct msghdr *asked, struct msghdr *message, ssize_t size,
    struct admission *admission)
{
    int result;

    if (!handlers_are_wanted())
        return size;
    result = handlers_fork(number, admission, sender_begin);
    if (result == 0)
        return size;
    wipe(asked, message, (size_t)size);
    if (result == -EINTR) {
        errno = EINTR;
        return -1;
    }
    if (result < 0) {
        admission->verdict = ACCOUNT_SWITCH_FAILED;
        admission->error = -result;
        admission_report(EVENT_REFUSED, admission);
    }
    return HANDED_ON;
}

static ssize_t receive_one(
    int number, const struct msghdr *asked, struct msghdr *message, int flags)
{
    union control control;
    struct sockaddr_storage sender = {.ss_family = AF_UNSPEC};
    struct admission admission = {.account = {.uid = (uid_t)-1}};
    struct msghdr own = *asked;
    ssize_t size;

    own.msg_name = &sender;
    own.msg_namelen = sizeof sender;
    own.msg_control = &control;
    own.msg_controllen = room_for(asked);
    size = libc_calls()->recvmsg(number, &own, flags);
    if (size < 0)
        return -1;
    identity_of_datagram(number, process.settings.stamped_netns, &own, &admission.peer);
    if (!sender_judge(number, &admission) ||
        (!handlers_are_wanted() && !sender_serve(number, &admission))) {
        scope_discard(&own);
        drop(number, flags, &admission);
        return DROPPED;
    }
    *message = *asked;
    hand_over(number, &own, message);
    return deliver(number, asked, message, size, &admission);
}

/* ---- a call -----------------------------------------------------------------------------------
 */

/*
 * One receive of the server's. From the first datagram on that it does not get, signals are blocked
 * but while the call waits: a handler that runs in between would be overlooked.
 */
struct call {
    int number, flags;
    bool woken, goes_on, waits;
    int64_t begun, until; /* -1: no end */
    long left;            /* so many more without a wait */
    uint64_t signals;
};

static bool brings_descriptors(const struct descriptor *entry, const struct msghdr *asked)
{
    return entry && entry->flags & DATAGRAMS_ARE_LOCAL && asked->msg_control &&
           asked->msg_controllen > 0;
}

static ssize_t attempt(const struct call *call, const struct msghdr *asked, struct msghdr *message)
{
    ssize_t result = 0;
    int error;

    if (handlers_are_wanted()) {
        error = handlers_await_place(call->goes_on ? call->waits : !(call->flags & MSG_DONTWAIT));
        if (error < 0) {
            errno = -error;
            return -1;
        }
    }
    if (brings_descriptors(datagrams_find(call->number), asked))
        result = look(call->number, call->flags);
    return result < 0 ? result : receive_one(call->number, asked, message, call->flags);
}

/*
 * A call that may not wait looks on until the kernel says that nothing is there; but not for ever:
 * once there were more than a queue holds, one has come since the call began, and whoever waits for
 * that (epoll(7), edge-triggered) is woken again.
 */
static void begin_to_go_on(struct call *call)
{
    struct timeval most = {0};
    socklen_t length = sizeof most;
    int size = 0;

    call->goes_on = true;
    call->signals = thread_block_signals();
    call->waits = !call->woken && !(call->flags & MSG_DONTWAIT) &&
                  !(kernel_fcntl(call->number, F_GETFL, 0) & O_NONBLOCK);
    kernel_getsockopt(call->number, SOL_SOCKET, SO_RCVTIMEO, &most, &length);
    if (most.tv_sec || most.tv_usec)
        call->until = call->begun + most.tv_sec * INT64_C(1000) + most.tv_usec / 1000;
    length = sizeof size;
    kernel_getsockopt(call->number, SOL_SOCKET, SO_RCVBUF, &size, &length);
    call->left = size / LEAST_QUEUED + MOST_LOCAL;
    call->flags |= MSG_DONTWAIT;
}

/* For the next one, as long as the call would have. 0 or -errno. */
static int await_next(const struct call *call)
{
    struct pollfd set = {.fd = call->number, .events = POLLIN};
    struct timespec rest;
    int64_t left = call->until - clock_now();
    long result;

    if (call->until >= 0 && left <= 0)
        return -EAGAIN;
    rest = (struct timespec){left / 1000, left % 1000 * 1000000};
    result = kernel_call(SYS_ppoll, (long)&set, 1, call->until < 0 ? 0 : (long)&rest,
        (long)&call->signals, sizeof call->signals, 0);
    return result == 0 ? -EAGAIN : result < 0 ? (int)result : 0;
}

static int go_on(struct call *call)
{
    thread_end_scope();
    if (!call->goes_on)
        begin_to_go_on(call);
    if (call->waits)
        return await_next(call);
    return call->left-- > 0 ? 0 : -EAGAIN;
}

/* Is it to be tried again, after `result`? */
static bool is_unfinished(const struct call *call, ssize_t result)
{
    return result < -1 || (result == -1 && call->waits && errno == EAGAIN);
}

static ssize_t receive(struct call *call, const struct msghdr *asked, struct msghdr *message)
{
    ssize_t result;

    for (;;) {
        int error;

        result = attempt(call, asked, message);
        if (!is_unfinished(call, result))
            break;
        if (result == HANDED_ON && call->woken)
            call->left = 0;
        error = go_on(call);
        if (error < 0) {
            errno = -error;
            result = -1;
            break;
        }
    }
    if (call->goes_on)
        thread_restore_signals(call->signals);
    return result;
}

static bool is_strangers(void)
{
    return process.scopes && thread_state.tid && !thread_is_own();
}

ssize_t scope_receive_datagram(int number, struct msghdr *message, int flags)
{
    struct call call = {.number = number,
        .flags = flags,
        .woken = thread_state.was_woken,
        .begun = clock_now(),
        .until = -1};
    struct descriptor *entry = datagrams_find(number);
    const struct msghdr asked = *message;

    if (flags & MSG_ERRQUEUE) /* what the server sent itself, and came back */
        return libc_calls()->recvmsg(number, message, flags);
    if (is_strangers()) {
        errno = EPERM;
        return -1;
    }
    /* It would return here, and the server carry out one peer's request in another's handler. */
    if (flags & MSG_PEEK && handlers_are_wanted() &&
        scope_denies_datagrams(number, "MSG_PEEK (try --isolate=scope)")) {
        errno = EOPNOTSUPP;
        return -1;
    }
    thread_state.was_woken = false;
    if (entry)
        datagrams_note_received(entry);
    return receive(&call, &asked, message);
}
