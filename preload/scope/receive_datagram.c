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
#include "scope/datagrams.h"
#include "scope/handlers.h"
#include "scope/one_datagram.h"
#include "scope/signals.h"
#include "scope/thread.h"
#include "scope/turn.h"

#include <errno.h>
#include <sys/time.h>

enum {
    LEAST_QUEUED = 512, /* what the shortest one costs a queue */
    MOST_LOCAL = 1024,  /* more than net.unix.max_dgram_qlen */
};

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
           asked->msg_controllen > 0 && !handlers_are_wanted();
}

static ssize_t attempt(const struct call *call, const struct msghdr *asked, struct msghdr *message)
{
    ssize_t result = 0;
    int error = 0;

    if (handlers_are_wanted())
        error = handlers_await_place(call->goes_on ? call->waits : !(call->flags & MSG_DONTWAIT),
            call->goes_on ? &call->signals : NULL);
    if (error < 0) {
        errno = -error;
        return -1;
    }
    if (brings_descriptors(datagrams_find(call->number), asked))
        result = one_datagram_look(call->number, call->flags);
    return result < 0 ? result : one_datagram_receive(call->number, asked, message, call->flags);
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
    call->signals = signals_block();
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

/* With a time-out every signal ends a call, signal(7). */
static bool ends_it(const struct call *call, enum signals_waiting signals)
{
    return signals == SIGNALS_INTERRUPT || (signals == SIGNALS_RESTART && call->until >= 0);
}

/* Those that came while we were at it: their handlers run now. */
static int let_handlers_run(const struct call *call)
{
    enum signals_waiting pending = signals_pending(call->signals);

    if (pending == SIGNALS_NONE)
        return 0;
    signals_restore(call->signals);
    signals_block();
    return ends_it(call, pending) ? -EINTR : 0;
}

/* For the next one, as long as the call would have. 0 or -errno. */
static int await_next(const struct call *call)
{
    struct pollfd set = {.fd = call->number, .events = POLLIN};
    struct timespec rest;
    int64_t left = call->until - clock_now();
    long result = let_handlers_run(call);

    if (result < 0 || (call->until >= 0 && left <= 0))
        return result < 0 ? (int)result : -EAGAIN;
    rest = (struct timespec){left / 1000, left % 1000 * 1000000};
    result = kernel_call(SYS_ppoll, (long)&set, 1, call->until < 0 ? 0 : (long)&rest,
        (long)&call->signals, sizeof call->signals, 0);
    if (result == -EINTR)
        return ends_it(call, signals_heard(&call->signals)) ? -EINTR : 0;
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
        signals_restore(call->signals);
    return result;
}

static bool is_strangers(void)
{
    return process.scopes && thread_state.tid && !thread_is_own();
}

/* Ahead of the first one: the server turns to the next client. */
static int turn_to_next(struct descriptor *entry, bool waits)
{
    int error = entry && entry->sealed ? 0 : turn_before_call(waits);

    if (error < 0)
        return error;
    if (process.scopes) {
        process_begin_serving();
        thread_end_scope();
    }
    if (entry)
        datagrams_note_received(entry);
    return 0;
}

static ssize_t refuse(int error)
{
    errno = error;
    return -1;
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
    struct sockaddr_storage peer;
    int error;

    /* What the server sent itself, and came back; AF_UNIX knows of no such queue. */
    if (flags & MSG_ERRQUEUE && !(entry && entry->flags & DATAGRAMS_ARE_LOCAL))
        return libc_calls()->recvmsg(number, message, flags);
    if (datagrams_is_own_client(number, &peer))
        return one_datagram_answer(number, message, flags, &peer);
    if (is_strangers())
        return refuse(EPERM);
    error = turn_to_next(
        entry, !(flags & MSG_DONTWAIT) && !(kernel_fcntl(number, F_GETFL, 0) & O_NONBLOCK));
    if (error < 0)
        return refuse(-error);
    /* It would return here, and the server carry out one peer's request in another's handler. */
    if (flags & MSG_PEEK && handlers_are_wanted() &&
        scope_denies_datagrams(number, "MSG_PEEK (try --isolate=scope)"))
        return refuse(EOPNOTSUPP);
    thread_state.was_woken = false;
    return receive(&call, &asked, message);
}
