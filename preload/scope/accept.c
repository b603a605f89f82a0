/*
 * accept.c: the way of one accepted connection, and of one that is refused.
 *
 * hooks/accept.c calls this; through admission.c it asks identity/ who the peer is and account/
 * whom to serve it as, and through thread_begin_scope() has credentials/ change the thread.
 */
#include "scope/scope.h"

#include "kernel.h"
#include "libc.h"
#include "scope/admission.h"
#include "scope/handlers.h"
#include "scope/only.h"
#include "scope/senders.h"
#include "scope/signals.h"
#include "scope/thread.h"
#include "scope/turn.h"

#include <errno.h>
#include <poll.h>
#include <sys/time.h>

/* So many refused peers in a row are taken from the queue before the server gets a turn. */
enum { REFUSALS_IN_A_ROW = 16 };

/*
 * May this connection's scope begin by its acceptance? Not in an event loop; and not in a thread
 * that has accepted another, which is still open, of which it has read nothing that we could see,
 * and which it handed to no thread: it may go on with either of them (stdio(3) passes no hook).
 */
static bool may_begin_scope(int connection, uint64_t cookie)
{
    struct thread *thread = &thread_state;

    if (thread->pending_cookie &&
        connection_is_open(thread->pending_number, thread->pending_cookie))
        return false;
    thread->pending_number = connection;
    thread->pending_cookie = cookie;
    return !thread->is_loop;
}

static void admit(int connection, struct admission *admission)
{
    int result = admission_record(connection, admission);

    if (!thread_state.is_loop &&
        thread_owes_another(admission->peer.cookie, admission->account.uid))
        thread_is_event_loop();
    if (result == 0 && may_begin_scope(connection, admission->peer.cookie))
        result = thread_begin_scope(connection, admission->peer.cookie, &admission->account, true);
    thread_state.sender = sender_of(&admission->peer);
    if (result < 0) {
        descriptor_forget(connection);
        admission->verdict = ACCOUNT_SWITCH_FAILED;
        admission->error = -result;
    }
}

/* The client sees a reset at once instead of a server that never answers. */
static void reset(int connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    kernel_setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    kernel_close(connection);
}

/*
 * At a listener that a process opened when it was one account's already (a data connection, what a
 * reload of an instance added): whoever is let in is served as that account, so nobody else is.
 */
static bool serve_own_or_reset(int connection)
{
    struct admission admission = {.verdict = ACCOUNT_NOT_ALLOWED};

    identity_of_connection(connection, &admission.peer);
    if (sender_is_own(&admission.peer))
        return true;
    if (admission.peer.kind == IDENTITY_NONE)
        admission.verdict = ACCOUNT_NO_IDENTITY;
    admission_report(EVENT_REFUSED, &admission);
    reset(connection);
    return false;
}

static void refuse(int connection, const struct admission *admission)
{
    admission_report(EVENT_REFUSED, admission);
    reset(connection);
}

/* One that was opened in a scope is for that account's peers alone. */
static bool is_anothers(int listener, const struct account *account)
{
    const struct descriptor *entry = descriptor_find(listener);

    return entry && entry->kind == DESCRIPTOR_LISTENER && entry->flags & LISTENER_IS_PEERS &&
           entry->account_uid != account->uid;
}

/* Is the peer served? If not, its connection is gone. Where it is to have a handler, that is made
 * by the caller. */
static bool serve_or_reset(int listener, int connection, struct admission *admission)
{
    if (process.instance)
        return serve_own_or_reset(connection);
    admission_judge(listener, connection, admission);
    if (process.settings.mode == PROTECT_OBSERVE) {
        admission_report(EVENT_OBSERVED, admission);
        return true;
    }
    if (admission->verdict == ACCOUNT_SERVED && is_anothers(listener, &admission->account))
        admission->verdict = ACCOUNT_ANOTHERS;
    if (admission->verdict == ACCOUNT_SERVED && handlers_are_wanted())
        admission->verdict = handlers_verdict(&admission->account);
    else if (admission->verdict == ACCOUNT_SERVED && process.settings.mode == PROTECT_SCOPES)
        admit(connection, admission);
    if (admission->verdict != ACCOUNT_SERVED) {
        refuse(connection, admission);
        return false;
    }
    if (process.settings.report_served && !handlers_are_wanted())
        admission_report(EVENT_SERVED, admission);
    return true;
}

/* In a sealed process: a listener that was the server's would bring it other people's connections.
 */
static bool is_the_servers(int listener)
{
    const struct descriptor *entry = descriptor_find(listener);

    if (!process.sealed || (entry && entry->sealed))
        return false;
    return !entry || entry->kind != DESCRIPTOR_LISTENER || !(entry->flags & LISTENER_IS_PEERS) ||
           entry->account_uid != process.sealed_as;
}

/*
 * In an instance clients come through stand-ins. Besides, a sealed one may have listeners of its
 * own, for its own account; any other would bring it clients while it is nobody's.
 */
static bool is_no_instances(int listener)
{
    const struct descriptor *entry = descriptor_find(listener);
    socklen_t length = sizeof(int);
    int listens = 0;

    if (!process.instance || (entry && entry->kind == DESCRIPTOR_LISTENER && entry->sealed) ||
        scope_passes(listener))
        return false;
    kernel_getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
    return listens;
}

static bool may_wait(int listener)
{
    return !(kernel_fcntl(listener, F_GETFL, 0) & O_NONBLOCK);
}

/*
 * Until somebody is there, under `mask`: where ppoll(2) does not say EINTR no handler has run. Of
 * accept(2) that cannot be told: it returns with a client, and a handler runs on its way back.
 */
static int await_client(int listener, const uint64_t *mask)
{
    struct pollfd set = {.fd = listener, .events = POLLIN};
    struct timeval most = {0};
    socklen_t length = sizeof most;
    long result;

    kernel_getsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &most, &length);
    if (most.tv_sec || most.tv_usec)
        return 0; /* it returns by itself */
    do
        result = kernel_call(SYS_ppoll, (long)&set, 1, 0, (long)mask, sizeof *mask, 0);
    while (result == -EINTR && signals_heard(mask) != SIGNALS_INTERRUPT);
    return result == -EINTR || signals_pending(*mask) == SIGNALS_INTERRUPT ? -EINTR : 0;
}

/*
 * With signals blocked by us, and `mask` that of before. The call itself is made under that: should
 * another process have taken the client, it waits as the server's own would.
 */
static int accept_under(
    const uint64_t *mask, int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    int connection;

    if (may_wait(listener) && await_client(listener, mask) < 0) {
        errno = EINTR;
        return -1;
    }
    signals_restore(*mask);
    connection = libc_calls()->accept4(listener, address, length, flags);
    signals_block();
    return connection;
}

/* `mask`: NULL, or as for accept_under(). */
static int accept_served(int listener, struct sockaddr *address, socklen_t *length, int flags,
    struct admission *admission, const uint64_t *mask)
{
    socklen_t room = address && length ? *length : 0;
    bool woken = thread_state.was_woken;

    thread_state.was_woken = false;
    for (int refused = 0; refused < REFUSALS_IN_A_ROW; refused++) {
        int connection;

        if (address && length)
            *length = room;
        connection = mask ? accept_under(mask, listener, address, length, flags)
                          : libc_calls()->accept4(listener, address, length, flags);
        if (connection < 0)
            return connection;
        if (!descriptor_find(listener)) /* inherited: nobody saw it listen */
            scope_listening(listener);
        if (serve_or_reset(listener, connection, admission))
            return connection;
        if (woken)
            break;
        if (may_wait(listener))
            refused = 0;
    }
    errno = ECONNABORTED;
    return -1;
}

static bool is_ready(int listener)
{
    struct pollfd set = {.fd = listener, .events = POLLIN};
    const struct timespec at_once = {0};

    return kernel_call(SYS_ppoll, (long)&set, 1, (long)&at_once, 0, 0, 0) == 1;
}

/* In a sealed process, at its own listener. One that is ready was probably waited for, with a
 * time-out that is the server's: then the call waits for nobody else. */
static int accept_own(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    socklen_t room = address && length ? *length : 0;
    bool waits = !is_ready(listener) && may_wait(listener);

    for (int refused = 0; refused < REFUSALS_IN_A_ROW; refused += !waits) {
        int connection;

        if (address && length)
            *length = room;
        connection = libc_calls()->accept4(listener, address, length, flags);
        if (connection < 0 || serve_own_or_reset(connection))
            return connection;
        if (!waits && !is_ready(listener))
            break;
    }
    /* EAGAIN is for who waits for the next edge: there must be nobody left. */
    errno = may_wait(listener) || is_ready(listener) ? ECONNABORTED : EAGAIN;
    return -1;
}

/* The handler has it, or nobody: `result` is handlers_fork()'s. */
static void give_away(int connection, struct admission *admission, int result)
{
    if (result == 1 || result == -EINTR) {
        kernel_close(connection);
        return;
    }
    admission->verdict = ACCOUNT_SWITCH_FAILED;
    admission->error = -result;
    refuse(connection, admission);
}

/*
 * A server that woke for one of several, and whose client has a handler now, was told EINTR, which
 * sends most back to their wait. Who asks again at once (Python does) would wait at this listener
 * for good, and nobody at the others would be served.
 */
static bool sends_back_to_wait(void)
{
    bool sends = thread_state.owes_wait;

    thread_state.owes_wait = false;
    if (sends)
        errno = ECONNABORTED;
    return sends;
}

/*
 * The process that accepts goes on to the next; only the handler returns with a connection. After a
 * wait it returns, too, as from a signal: there may be other work than this listener's.
 */
static int accept_blocked(
    int listener, struct sockaddr *address, socklen_t *length, int flags, const uint64_t *signals)
{
    bool woken = thread_state.was_woken, waits = !woken && may_wait(listener);
    struct admission admission;
    int connection, result;

    if (sends_back_to_wait())
        return -1;
    do {
        result = handlers_await_place(waits, signals);
        if (result < 0)
            break;
        connection = accept_served(listener, address, length, flags, &admission, signals);
        if (connection < 0)
            return connection;
        result = handlers_fork(connection, &admission, admit, *signals);
        if (result != 0)
            give_away(connection, &admission, result);
        if (result == 0)
            return connection;
    } while (waits && result != -EINTR);
    thread_state.owes_wait = woken && thread_state.woken_for_more && may_wait(listener);
    errno = may_wait(listener) ? EINTR : EAGAIN;
    return -1;
}

/* A handler that runs while the call is busy with a client is not overlooked: it runs at its end.
 */
static int accept_for_handlers(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    uint64_t signals = signals_block();
    int connection = accept_blocked(listener, address, length, flags, &signals);
    int saved_errno = errno;

    signals_restore(signals);
    errno = saved_errno;
    return connection;
}

int scope_accept(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    int saved_errno = errno, connection;
    struct admission admission;

    if (process.sealed && is_the_servers(listener)) {
        connection = turn_before_call(may_wait(listener));
        if (connection < 0) {
            errno = -connection;
            return -1;
        }
    }
    if ((process.sealed && is_the_servers(listener)) || is_no_instances(listener)) {
        errno = EPERM;
        return -1;
    }
    if (!process.wrapped)
        return libc_calls()->accept4(listener, address, length, flags);
    if (process.sealed)
        return accept_own(listener, address, length, flags);
    if (process.scopes && thread_state.tid && !thread_is_own()) {
        errno = EPERM; /* a stranger has no state that could tell for whom it acts */
        return -1;
    }
    if (scope_passes(listener))
        return only_accept(listener, address, length, flags);
    process_begin_serving();
    thread_end_scope();
    if (handlers_are_wanted())
        connection = accept_for_handlers(listener, address, length, flags);
    else
        connection = accept_served(listener, address, length, flags, &admission, NULL);
    if (connection >= 0)
        errno = saved_errno;
    return connection;
}

void scope_listening(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_LISTENER, .sealed = process.sealed};

    if (!process.wrapped || only_took(number))
        return;
    kernel_socket_cookie(number, &entry.cookie);
    descriptor_record(number, &entry);
}

void scope_listened(int number)
{
    struct descriptor *entry = process.wrapped ? descriptor_find(number) : NULL;

    if (entry && entry->kind == DESCRIPTOR_LISTENER && kernel_is_socket(number, entry->cookie))
        return;
    scope_listening(number);
    entry = thread_in_scope() && thread_is_own() ? descriptor_find(number) : NULL;
    if (!entry || entry->kind != DESCRIPTOR_LISTENER)
        return;
    entry->flags |= LISTENER_IS_PEERS;
    entry->account_uid = thread_state.account;
}
