/*
 * accept.c: the way of one accepted connection, and of one that is refused.
 *
 * hooks/accept.c calls this; it asks identity/ who the peer is, account/ whom to serve it as, and
 * has credentials/ change the thread (through thread_begin_scope()).
 */
#include "scope/scope.h"

#include "account/ask.h"
#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "libc.h"
#include "scope/thread.h"

#include <errno.h>

/* So many refused peers in a row are taken from the queue before the server gets a turn. */
enum { REFUSALS_IN_A_ROW = 16 };

struct admission {
    struct identity peer;
    struct account account;
    enum account_verdict verdict;
    int error;
};

static void report(enum event_kind event, const struct admission *admission)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = event,
        .verdict = admission->verdict,
        .error = admission->error,
        .account_uid = admission->verdict == ACCOUNT_SERVED ? admission->account.uid : (uid_t)-1,
        .peer = admission->peer};

    channel_report(&request);
}

static void judge(int connection, struct admission *admission)
{
    identity_of_connection(connection, &admission->peer);
    if (process.settings.mode == PROTECT_SCOPES && !credentials_base()->has_key) {
        admission->verdict = ACCOUNT_NO_PRIVILEGE;
        return;
    }
    admission->verdict =
        account_ask(&admission->peer, connection, &admission->account, &admission->error);
}

/* Remembers whose connection this is, and begins its scope unless this thread is a loop. */
static void admit(int connection, struct admission *admission)
{
    struct descriptor entry = {.kind = DESCRIPTOR_CONNECTION,
        .cookie = admission->peer.cookie,
        .uid = admission->peer.uid,
        .account_uid = admission->account.uid,
        .source = (uint8_t)admission->peer.source};
    int result = entry.cookie ? descriptor_record(connection, &entry) : -ENOENT;

    if (result == 0 && !thread_state.is_loop)
        result = thread_begin_scope(connection, entry.cookie, &admission->account, true);
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

/* Is the peer served? If not, its connection is gone. */
static bool serve_or_reset(int connection)
{
    struct admission admission = {.verdict = ACCOUNT_NO_IDENTITY};

    judge(connection, &admission);
    if (process.settings.mode == PROTECT_OBSERVE) {
        report(EVENT_OBSERVED, &admission);
        return true;
    }
    if (admission.verdict == ACCOUNT_SERVED && process.settings.mode == PROTECT_SCOPES)
        admit(connection, &admission);
    if (admission.verdict != ACCOUNT_SERVED) {
        report(EVENT_REFUSED, &admission);
        reset(connection);
        return false;
    }
    if (process.settings.report_served)
        report(EVENT_SERVED, &admission);
    return true;
}

/* In a sealed process: a listener that was the server's would bring it other people's connections.
 */
static bool is_the_servers(int listener)
{
    struct descriptor *entry = descriptor_find(listener);

    return process.sealed && (!entry || !entry->sealed);
}

static int accept_for_ground(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    socklen_t room = length ? *length : 0;
    bool woken = thread_state.was_woken;

    thread_state.was_woken = false;
    for (int refused = 0; refused < REFUSALS_IN_A_ROW; refused++) {
        int connection;

        if (length)
            *length = room;
        connection = libc_calls()->accept4(listener, address, length, flags);
        if (connection < 0 || serve_or_reset(connection))
            return connection;
        if (woken)
            break;
        if (!(kernel_fcntl(listener, F_GETFL, 0) & O_NONBLOCK))
            refused = 0;
    }
    errno = ECONNABORTED;
    return -1;
}

int scope_accept(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    int saved_errno = errno, connection;

    if (process.sealed && is_the_servers(listener)) {
        errno = EPERM;
        return -1;
    }
    if (!process.wrapped || process.sealed)
        return libc_calls()->accept4(listener, address, length, flags);
    if (process.scopes && thread_state.tid && !thread_is_own()) {
        errno = EPERM; /* a stranger has no state that could tell for whom it acts */
        return -1;
    }
    process_begin_serving();
    thread_end_scope();
    connection = accept_for_ground(listener, address, length, flags);
    if (connection >= 0)
        errno = saved_errno;
    return connection;
}

void scope_bound(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_DATAGRAMS};
    socklen_t length = sizeof(int);
    int type = 0, family = 0;

    if (!process.admits || kernel_getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
        kernel_getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        return;
    if (type == SOCK_DGRAM && (family == AF_INET || family == AF_INET6 || family == AF_UNIX))
        descriptor_record(number, &entry);
}

void scope_listening(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_LISTENER, .sealed = process.sealed};

    if (process.wrapped)
        descriptor_record(number, &entry);
}
