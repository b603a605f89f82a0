/*
 * receive.c: a read that returned a peer's bytes makes the thread act for that peer.
 *
 * In an event loop it does not, and work that came through a pipe may end the scope. In a sealed
 * process and in a task that is not the thread whose state this is, only the peer's own bytes pass.
 *
 * How it fails: bytes that must not be handled are not handed on; the connection is shut down, the
 * read fails with EACCES, and the thread is at ground. Datagrams go their own way:
 * receive_datagram.c.
 */
#include "scope/scope.h"

#include "kernel.h"
#include "scope/admission.h"
#include "scope/only.h"
#include "scope/senders.h"
#include "scope/thread.h"

#include <errno.h>

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

/* From ground or from another peer directly to this one. */
static int become_peer(int number, const struct descriptor *entry)
{
    struct admission admission;
    int result;

    peer_of(number, entry, &admission.peer);
    if (admission.peer.cookie != entry->cookie || entry->account_uid == (uid_t)-1)
        return -EACCES; /* another connection by now, or one that was refused when it came */
    admission_judge_peer(number, &admission);
    if (admission.verdict == ACCOUNT_SERVED) {
        result = thread_begin_scope(number, entry->cookie, &admission.account, false);
        thread_state.sender = sender_of(&admission.peer);
        if (result == 0)
            return 0;
        admission.verdict = ACCOUNT_SWITCH_FAILED;
        admission.error = -result;
    }
    thread_end_scope();
    admission_report(EVENT_REFUSED, &admission);
    return -EACCES;
}

/*
 * Bytes of this connection reached this thread. If another thread has read from it before, it is
 * handed about: who works on it next may have read nothing.
 */
static void note_read(int number, const struct descriptor *entry)
{
    struct descriptor *live = descriptor_find(number);
    uint32_t reader = (uint32_t)thread_state.tid;

    if (live && live->cookie == entry->cookie) {
        if (live->serial && live->serial != reader)
            live->flags |= CONNECTION_SHARED;
        live->serial = reader;
    }
    if (thread_state.pending_cookie == entry->cookie)
        thread_state.pending_cookie = 0;
    thread_state.last_cookie = entry->cookie;
    thread_state.last_account = entry->account_uid;
    thread_state.last_number = number;
}

/*
 * A pool that is busy takes its next connection without waiting for it. What tells it from a loop
 * of its own making: others wait for its connections, and each read is answered before the next.
 */
static void note_answer(const struct descriptor *entry)
{
    if (!(entry->flags & CONNECTION_SHARED))
        return;
    if (entry->cookie == thread_state.last_cookie)
        thread_state.last_cookie = 0;
    if (thread_in_scope() && entry->cookie == thread_state.cookie)
        thread_state.has_answered = true;
}

void scope_answering(int number)
{
    const struct descriptor *entry = process.scopes ? descriptor_find(number) : NULL;

    if (!entry)
        return;
    if (entry->kind == DESCRIPTOR_CONNECTION)
        note_answer(entry);
    else if (entry->kind == DESCRIPTOR_PIPE && entry->serial != thread_state.serial &&
             thread_state.has_answered)
        scope_before_work_wait(); /* it wakes the loop: its turn is over */
}

static ssize_t deny(int number)
{
    kernel_call(SYS_shutdown, number, SHUT_RDWR, 0, 0, 0, 0);
    errno = EACCES;
    return -1;
}

/* A message on a stand-in is a connection, and no read's: a listener cannot be read from. */
static bool is_stand_in(int number, const struct descriptor *entry)
{
    return entry->kind == DESCRIPTOR_STAND_IN && descriptor_is_current(number, entry);
}

bool scope_before_receive(int number, struct reading *reading)
{
    const struct descriptor *entry = process.wrapped ? descriptor_find(number) : NULL;

    *reading = (struct reading){.number = number};
    if (entry && entry->kind == DESCRIPTOR_UNTOUCHED && !scope_passes(number))
        entry = descriptor_find(number); /* by now it has one of --only's names, or is another */
    if (!entry)
        return true;
    if (is_stand_in(number, entry)) {
        errno = ENOTCONN;
        return false;
    }
    reading->kind = entry->kind;
    reading->cookie = entry->cookie;
    if (entry->kind == DESCRIPTOR_DATAGRAMS && !descriptor_is_current(number, entry)) {
        *reading = (struct reading){.number = number};
        return true;
    }
    if (entry->kind == DESCRIPTOR_DATAGRAMS)
        return true; /* receive_datagram.c goes on from here */
    if (only_is_untouched(entry))
        return only_may_read(reading);
    if (entry->kind == DESCRIPTOR_CONNECTION)
        process_begin_serving(); /* one that it was born with; accept has done so for others */
    return scope_may_use(number);
}

/* Nobody's bytes: what the thread does with them is no peer's. */
static ssize_t received_untouched(int number, const struct descriptor *entry, ssize_t result)
{
    if (!thread_in_scope() && entry->kind != DESCRIPTOR_CONNECTION)
        return result;
    if (!thread_is_own())
        return thread_in_scope() ? deny(number) : result;
    if (entry->kind == DESCRIPTOR_CONNECTION)
        note_read(number, entry);
    thread_end_scope();
    return result;
}

/* A connection's bytes, and the number is still that connection. */
static ssize_t received(int number, const struct descriptor *entry, ssize_t result)
{
    struct thread *thread = &thread_state;

    if (only_is_untouched(entry))
        return received_untouched(number, entry, result);
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
    if (!thread->is_loop && thread_owes_another(entry->cookie, entry->account_uid))
        thread_is_event_loop();
    note_read(number, entry);
    if (thread->is_loop && !process.settings.inline_loops) {
        if (result > 0) /* what is left when a connection ends harms nobody */
            process_report_loop();
        return result; /* at ground: thread_is_event_loop() saw to that */
    }
    return become_peer(number, entry) < 0 ? deny(number) : result;
}

/* Work comes through pipes, too: what a pipe older than the scope brought may be for anybody. */
static void take_work(int number)
{
    const struct descriptor *entry = descriptor_find(number);

    if (entry && entry->kind == DESCRIPTOR_PIPE && entry->serial != thread_state.serial)
        scope_before_work_wait();
}

ssize_t scope_received(const struct reading *reading, size_t wanted, ssize_t result)
{
    int number = reading->number;
    const struct descriptor *found;
    struct descriptor entry;

    if (reading->kind == DESCRIPTOR_UNKNOWN || result < 0 || wanted == 0)
        return result;
    if (reading->kind == DESCRIPTOR_PIPE) {
        take_work(number);
        return result;
    }
    if ((reading->kind != DESCRIPTOR_CONNECTION && reading->kind != DESCRIPTOR_UNTOUCHED) ||
        (!process.scopes && !process.sealed))
        return result;
    found = descriptor_find(number);
    entry = found ? *found : (struct descriptor){.kind = DESCRIPTOR_UNKNOWN};
    /* Closed by another thread meanwhile: whose bytes these are, the number says no more. */
    if (entry.kind != reading->kind || entry.cookie != reading->cookie) {
        errno = EACCES;
        return -1;
    }
    return descriptor_is_current(number, &entry) ? received(number, &entry, result) : result;
}
