/*
 * receive.c: a read that returned a peer's bytes makes the thread act for that peer.
 *
 * How it fails: bytes that must not be handled are not handed on; the connection is shut down, the
 * read fails with EACCES, and the thread is at ground.
 */
#include "scope/scope.h"

#include "account/ask.h"
#include "account/channel.h"
#include "kernel.h"
#include "scope/thread.h"

#include <errno.h>

/* Is the number still the socket that was recorded? If not, it is nobody's connection. */
static bool still_same(int number, const struct descriptor *entry)
{
    uint64_t cookie;

    if (kernel_socket_cookie(number, &cookie) == 0 && cookie == entry->cookie)
        return true;
    descriptor_forget(number);
    return false;
}

/* A user's id is in the entry; a host's address is asked for again. */
static void peer_of(int number, const struct descriptor *entry, struct identity *peer)
{
    if (entry->source == IDENTITY_SOURCE_SOCK_DIAG)
        *peer = (struct identity){.kind = IDENTITY_USER,
            .source = IDENTITY_SOURCE_SOCK_DIAG,
            .uid = entry->uid,
            .gid = (gid_t)-1,
            .cookie = entry->cookie};
    else
        identity_of_connection(number, peer);
}

static void report_refused(const struct identity *peer, enum account_verdict verdict, int error)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_REFUSED,
        .verdict = verdict,
        .error = error,
        .account_uid = (uid_t)-1,
        .peer = *peer};

    channel_report(&request);
}

/* From ground or from another peer directly to this one. */
static int become_peer(int number, const struct descriptor *entry)
{
    struct identity peer;
    struct account account;
    enum account_verdict verdict;
    int error = 0, result;

    peer_of(number, entry, &peer);
    verdict = account_ask(&peer, number, &account, &error);
    if (verdict == ACCOUNT_SERVED) {
        result = thread_begin_scope(number, entry->cookie, &account, false);
        if (result == 0)
            return 0;
        verdict = ACCOUNT_SWITCH_FAILED;
        error = -result;
    }
    thread_end_scope();
    report_refused(&peer, verdict, error);
    return -EACCES;
}

/*
 * A thread that reads from two peers, both connections open and no wait for work in between, is an
 * event loop, however it waits: nobody can tell whose request it carries out next.
 */
static bool reads_in_turns(const struct descriptor *entry)
{
    const struct thread *thread = &thread_state;

    return thread->last_cookie && thread->last_cookie != entry->cookie &&
           thread->last_account != entry->account_uid &&
           connection_is_open(thread->last_number, thread->last_cookie);
}

static void note_read(int number, const struct descriptor *entry)
{
    thread_state.last_cookie = entry->cookie;
    thread_state.last_account = entry->account_uid;
    thread_state.last_number = number;
}

static ssize_t deny(int number)
{
    kernel_call(SYS_shutdown, number, SHUT_RDWR, 0, 0, 0, 0);
    errno = EACCES;
    return -1;
}

/* Is this a datagram for the server? -1 with EAGAIN, as if it had been lost on its way. */
static ssize_t drop_datagram(int number)
{
    struct identity sender = {.kind = IDENTITY_NONE,
        .reason = IDENTITY_REASON_FAMILY,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1};
    int type = 0;
    socklen_t length = sizeof type;

    kernel_getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length);
    if (type != SOCK_DGRAM) { /* closed behind our back, and something else since */
        descriptor_forget(number);
        return 0;
    }
    report_refused(&sender, ACCOUNT_NO_IDENTITY, 0);
    errno = EAGAIN;
    return -1;
}

void scope_before_receive(int number)
{
    const struct descriptor *entry = process.scopes ? descriptor_find(number) : NULL;

    if (!entry)
        return;
    if (entry->kind == DESCRIPTOR_PIPE && entry->serial != thread_state.serial)
        scope_before_work_wait(); /* work comes through pipes, too */
    if (entry->kind != DESCRIPTOR_DATAGRAMS)
        return;
    process_begin_serving();
    thread_end_scope();
}

ssize_t scope_received(int number, size_t wanted, ssize_t result)
{
    struct descriptor *entry = descriptor_find(number);
    struct thread *thread = &thread_state;

    if (!entry || result < 0 || wanted == 0)
        return result;
    if (entry->kind == DESCRIPTOR_DATAGRAMS && process.admits && drop_datagram(number) < 0)
        return -1;
    if (entry->kind != DESCRIPTOR_CONNECTION)
        return result;
    if (!process.scopes && !process.sealed)
        return result;
    if (!still_same(number, entry))
        return result;
    if (process.sealed)
        return entry->account_uid == process.sealed_as ? result : deny(number);
    if (thread->acting == ACTING_PEER && thread->cookie == entry->cookie) {
        if (thread_is_own()) {
            thread->has_read = true;
            note_read(number, entry);
        }
        return result;
    }
    if (!thread_is_own())
        return deny(number);
    if (!thread->is_loop && reads_in_turns(entry))
        thread_is_event_loop();
    note_read(number, entry);
    if (thread->is_loop && !process.settings.inline_loops) {
        if (result > 0) /* what is left when a connection ends harms nobody */
            process_report_loop();
        return result; /* at ground: thread_is_event_loop() saw to that */
    }
    return become_peer(number, entry) < 0 ? deny(number) : result;
}
