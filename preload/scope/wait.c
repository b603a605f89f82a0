/*
 * wait.c: which waits end a scope, which begin serving, and which betray an event loop.
 *
 * A wait for the scope's own connection, or for things made in the scope (a child's pipe, a socket
 * to a backend), leaves it alone; one that other peers or the server's own threads could wake ends
 * it.
 */
#include "scope/scope.h"

#include "kernel.h"
#include "scope/datagrams.h"
#include "scope/only.h"
#include "scope/thread.h"
#include "scope/turn.h"

#include <errno.h>

static void add_connection(struct wait_set *set, int number, const struct descriptor *entry)
{
    bool own = thread_in_scope() && entry->account_uid == thread_state.account;

    if (!own && thread_in_scope() && !descriptor_is_current(number, entry))
        return;
    if (!own)
        set->foreign = true;
    if (set->any && set->first != entry->account_uid)
        set->several = true;
    set->any = true;
    set->first = entry->account_uid;
}

static void add_epoll(struct wait_set *set, unsigned flags)
{
    if (flags & EPOLL_HOLDS_LISTENER)
        set->listener = true;
    if (flags & EPOLL_HOLDS_CONNECTION)
        set->foreign = set->several = true;
    if (flags & EPOLL_HOLDS_DATAGRAMS)
        set->several = true;
    if (flags & EPOLL_HOLDS_OLDER)
        set->older = true;
    if (flags & EPOLL_HOLDS_UNTOUCHED)
        set->untouched = true;
}

/* Unless the number is another socket by now, which is looked at anew. */
static void add_untouched(struct wait_set *set, int number)
{
    if (scope_passes(number))
        set->untouched = true;
    else if (descriptor_find(number))
        set->listener = true;
}

/* Not those that a sealed process made for its own peer, nor the server's own clients. */
static bool brings_peers(int number, const struct descriptor *entry)
{
    struct sockaddr_storage peer;

    return !entry->sealed && !datagrams_is_own_client(number, &peer);
}

void scope_wait_add(struct wait_set *set, int number)
{
    const struct descriptor *entry = number < 0 ? NULL : descriptor_find(number);

    set->count += number >= 0;
    if (!entry)
        return;
    switch (entry->kind) {
    case DESCRIPTOR_LISTENER:
        if (process.is_handler && entry->sealed)
            break; /* its own, and not what brings the next client */
        set->listener = true;
        break;
    case DESCRIPTOR_DATAGRAMS:
        if (brings_peers(number, entry))
            set->listener = true;
        else if (process.is_handler && entry->sealed)
            set->any = true; /* by which its own client's come */
        break;
    case DESCRIPTOR_STAND_IN:
        set->listener = true;
        break;
    case DESCRIPTOR_UNTOUCHED:
        add_untouched(set, number);
        break;
    case DESCRIPTOR_CONNECTION:
        add_connection(set, number, entry);
        break;
    case DESCRIPTOR_EPOLL:
        add_epoll(set, entry->flags);
        break;
    case DESCRIPTOR_PIPE:
        if (!thread_in_scope() || entry->serial != thread_state.serial)
            set->older = true;
        break;
    default:
        break;
    }
}

/* Could several peers wake this wait? Then who reads from them is a loop, or a worker of one. */
static bool is_shared(const struct wait_set *set)
{
    return process.scopes && (set->several || (set->any && (set->listener || set->untouched)));
}

static void share(int number)
{
    struct descriptor *entry = number < 0 ? NULL : descriptor_find(number);

    if (entry && entry->kind == DESCRIPTOR_CONNECTION)
        entry->flags |= CONNECTION_SHARED;
}

void scope_wait_add_poll(struct wait_set *set, const struct pollfd *array, nfds_t count)
{
    if (!process_follows() || !array)
        return;
    for (nfds_t i = 0; i < count; i++)
        scope_wait_add(set, array[i].fd);
    for (nfds_t i = 0; is_shared(set) && i < count; i++)
        share(array[i].fd);
}

/* Calls `visit` for every number in any of the three sets. */
static void visit_select(int count, const fd_set *const sets[3], struct wait_set *set,
    void (*visit)(struct wait_set *, int))
{
    const int bits = 8 * sizeof(unsigned long);

    for (int which = 0; which < 3; which++) {
        const unsigned long *words = (const unsigned long *)sets[which];

        for (int number = 0; words && number < count; number++) {
            unsigned long rest = words[number / bits] >> (number % bits);

            if (rest & 1)
                visit(set, number);
            else if (rest == 0)
                number |= bits - 1; /* on to the next word */
        }
    }
}

static void share_one(struct wait_set *set, int number)
{
    (void)set;
    share(number);
}

void scope_wait_add_select(
    struct wait_set *set, int count, const fd_set *read, const fd_set *write, const fd_set *except)
{
    const fd_set *const sets[] = {read, write, except};

    if (!process_follows())
        return;
    visit_select(count, sets, set, scope_wait_add);
    if (is_shared(set))
        visit_select(count, sets, set, share_one);
}

void scope_before_wait(const struct wait_set *set)
{
    if ((set->listener || set->untouched) && set->any)
        turn_goes_on(); /* a handler's loop waits for its own client, too */
    else if (set->listener || set->untouched)
        turn_before_wait(set->epoll > 0, set->limited);
    if (!process.scopes)
        return;
    if (set->listener)
        process_begin_serving();
    if (is_shared(set) && !thread_state.is_loop && thread_is_own())
        thread_is_event_loop();
    if (set->older)
        thread_state.last_cookie = 0; /* what comes next is other work */
    if (thread_state.is_loop || set->listener || set->untouched || set->foreign || set->older)
        thread_end_scope();
}

void scope_after_wait(const struct wait_set *set, int result)
{
    const struct descriptor *epoll = set->epoll > 0 ? descriptor_find(set->epoll) : NULL;

    thread_state.owes_wait = false;
    if (process.admits && set->listener) {
        thread_state.was_woken = result > 0;
        thread_state.woken_for_more = set->count > 1;
    }
    /* The set may have been empty when the wait began, and others may have added to it since. */
    if (result > 0 && process.scopes && epoll && epoll->kind == DESCRIPTOR_EPOLL &&
        epoll->flags & EPOLL_HOLDS_CONNECTION && !thread_state.is_loop && thread_is_own())
        thread_is_event_loop();
}

bool scope_wait_again(int result)
{
    if (result >= 0 || errno != EINTR || !process.scopes)
        return false;
    if (process.serving == SERVING_NOT_YET || thread_state.acting != ACTING_BASE)
        return false;
    process_begin_serving(); /* waits until it is done */
    thread_check();          /* from here on a signal is the server's own */
    return true;
}

void scope_epoll_added(int epoll, int number)
{
    const struct descriptor *added = descriptor_find(number);
    struct descriptor *set = descriptor_find(epoll);
    struct descriptor unknown = {.kind = DESCRIPTOR_EPOLL};
    struct wait_set facts = {0};

    if (!process_follows() || !added || !thread_is_own())
        return;
    if (!set || set->kind != DESCRIPTOR_EPOLL) {
        descriptor_record(epoll, &unknown);
        set = descriptor_find(epoll);
    }
    if (!set)
        return;
    scope_wait_add(&facts, number);
    if (added->kind == DESCRIPTOR_EPOLL) /* who can follow what will be in there? */
        facts.foreign = true;
    set->flags |=
        (facts.listener ? EPOLL_HOLDS_LISTENER : 0) | (facts.older ? EPOLL_HOLDS_OLDER : 0);
    if (added->kind == DESCRIPTOR_DATAGRAMS && facts.listener)
        set->flags |= EPOLL_HOLDS_DATAGRAMS;
    if (facts.untouched)
        set->flags |= EPOLL_HOLDS_UNTOUCHED;
    if (!process.scopes)
        return;
    /* The scope's own peer in a set of the scope's own wakes nobody else. */
    if (!facts.foreign && !(facts.any && set->serial != thread_state.serial))
        return;
    set->flags |= EPOLL_HOLDS_CONNECTION;
    share(number);
    thread_end_scope(); /* whoever waits for this set is the loop, this thread or another */
}

/* We see the listener in the set, or who puts it there sees us wait: a fence on each side. */
void scope_epoll_waits(void)
{
    __atomic_add_fetch(&process.epoll_waits, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool scope_is_waited_for(int number)
{
    const struct descriptor *entry = process_follows() ? descriptor_find(number) : NULL;

    if (!entry || (entry->kind != DESCRIPTOR_LISTENER && entry->kind != DESCRIPTOR_STAND_IN))
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&process.epoll_waits, __ATOMIC_RELAXED) > 0;
}

void scope_epoll_changed(int epoll, int number)
{
    const struct descriptor *entry = thread_in_scope() ? descriptor_find(number) : NULL;
    const struct descriptor *set = descriptor_find(epoll);

    if (!entry || entry->kind != DESCRIPTOR_CONNECTION || entry->cookie != thread_state.cookie ||
        thread_state.is_loop || (set && set->serial == thread_state.serial))
        return;
    thread_state.last_cookie = 0;
    thread_end_scope();
}

/*
 * CPython's own lock is a condition variable, so a thread that has read its connection stays in its
 * scope over such a wait; but not one that is handed its connections by others, as a worker of an
 * event loop is: what it is given next may be anybody's.
 */
static bool outlives_work_wait(void)
{
    const struct descriptor *entry = descriptor_find(thread_state.number);

    return thread_state.has_read && entry && entry->cookie == thread_state.cookie &&
           !(entry->flags & CONNECTION_SHARED) &&
           kernel_is_socket(thread_state.number, thread_state.cookie);
}

void scope_before_lock(void)
{
    if (thread_state.has_answered)
        scope_before_work_wait();
}

void scope_before_work_wait(void)
{
    if (!process.scopes)
        return;
    if (thread_state.acting == ACTING_PEER && outlives_work_wait())
        return;
    if (!thread_in_scope() && thread_state.last_cookie == 0)
        return;
    if (!thread_is_own())
        return;
    thread_state.last_cookie = 0;
    thread_end_scope();
}

void scope_after_work_wait(void)
{
    if (thread_in_scope() && !outlives_work_wait())
        thread_end_scope();
}

static uint32_t serial_now(void)
{
    return thread_in_scope() ? thread_state.serial : 0;
}

void scope_made_epoll(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_EPOLL, .serial = serial_now()};

    if (process_follows() && number >= 0)
        descriptor_record(number, &entry);
}

void scope_made_pipe(int one, int other)
{
    static uid_t last_pair;
    struct descriptor entry = {.kind = DESCRIPTOR_PIPE,
        .uid = __atomic_add_fetch(&last_pair, 1, __ATOMIC_RELAXED),
        .serial = serial_now(),
        .account_uid = thread_state.account,
        .flags = other >= 0 ? PIPE_CARRIES_DATA : 0};

    if (!process.scopes && !process.sealed)
        return;
    if (one >= 0)
        descriptor_record(one, &entry);
    if (other >= 0)
        descriptor_record(other, &entry);
}
