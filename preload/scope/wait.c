/*
 * wait.c: which waits end a scope, which begin serving, and which betray an event loop.
 *
 * A wait for the scope's own connection, or for things made in the scope (a child's pipe, a socket
 * to a backend), leaves it alone; one that other peers or the server's own threads could wake ends
 * it.
 */
#include "scope/scope.h"

#include "scope/thread.h"

static void add_connection(struct wait_set *set, uint64_t cookie)
{
    if (!thread_in_scope() || cookie != thread_state.cookie)
        set->foreign = true;
    if (set->any && set->first != cookie)
        set->several = true;
    set->any = true;
    set->first = cookie;
}

static void add_epoll(struct wait_set *set, unsigned flags)
{
    if (flags & EPOLL_HOLDS_LISTENER)
        set->listener = true;
    if (flags & EPOLL_HOLDS_CONNECTION)
        set->foreign = set->several = true;
    if (flags & EPOLL_HOLDS_OLDER)
        set->older = true;
}

void scope_wait_add(struct wait_set *set, int number)
{
    const struct descriptor *entry = number < 0 ? NULL : descriptor_find(number);

    if (!entry)
        return;
    switch (entry->kind) {
    case DESCRIPTOR_LISTENER:
    case DESCRIPTOR_DATAGRAMS:
        set->listener = true;
        break;
    case DESCRIPTOR_CONNECTION:
        add_connection(set, entry->cookie);
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

void scope_wait_add_poll(struct wait_set *set, const struct pollfd *array, nfds_t count)
{
    for (nfds_t i = 0; process.admits && i < count; i++)
        scope_wait_add(set, array[i].fd);
}

void scope_wait_add_select(
    struct wait_set *set, int count, const fd_set *read, const fd_set *write, const fd_set *except)
{
    const fd_set *sets[] = {read, write, except};

    for (int which = 0; process.admits && which < 3; which++) {
        const unsigned long *words = (const unsigned long *)sets[which];
        const int bits = 8 * sizeof *words;

        for (int number = 0; words && number < count; number++) {
            unsigned long rest = words[number / bits] >> (number % bits);

            if (rest & 1)
                scope_wait_add(set, number);
            else if (rest == 0)
                number |= bits - 1; /* on to the next word */
        }
    }
}

void scope_before_wait(const struct wait_set *set)
{
    if (!process.scopes)
        return;
    if (set->listener)
        process_begin_serving();
    if ((set->several || (set->any && set->listener)) && !thread_state.is_loop && thread_is_own())
        thread_is_event_loop();
    if (thread_state.is_loop || set->listener || set->foreign || set->older)
        thread_end_scope();
}

void scope_after_wait(const struct wait_set *set, int result)
{
    if (process.admits && set->listener)
        thread_state.was_woken = result > 0;
}

void scope_epoll_added(int epoll, int number)
{
    const struct descriptor *added = descriptor_find(number);
    struct descriptor *set = descriptor_find(epoll);
    struct descriptor unknown = {.kind = DESCRIPTOR_EPOLL};
    struct wait_set facts = {0};

    if (!process.admits || !added || !thread_is_own())
        return;
    if (!set || set->kind != DESCRIPTOR_EPOLL) {
        descriptor_record(epoll, &unknown);
        set = descriptor_find(epoll);
    }
    if (!set)
        return;
    scope_wait_add(&facts, number);
    set->flags |=
        (facts.listener ? EPOLL_HOLDS_LISTENER : 0) | (facts.older ? EPOLL_HOLDS_OLDER : 0);
    if (!process.scopes)
        return;
    /* The scope's own connection in a set of the scope's own wakes nobody else. */
    if (!facts.foreign && !(facts.any && set->serial != thread_state.serial))
        return;
    set->flags |= EPOLL_HOLDS_CONNECTION;
    if (!thread_state.is_loop)
        thread_is_event_loop();
    thread_end_scope();
}

void scope_before_work_wait(void)
{
    if (thread_in_scope() && !thread_state.has_read)
        thread_end_scope();
}

static uint32_t serial_now(void)
{
    return thread_in_scope() ? thread_state.serial : 0;
}

void scope_made_epoll(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_EPOLL, .serial = serial_now()};

    if (process.admits && number >= 0)
        descriptor_record(number, &entry);
}

void scope_made_pipe(int one, int other)
{
    struct descriptor entry = {.kind = DESCRIPTOR_PIPE,
        .serial = serial_now(),
        .account_uid = thread_state.account,
        .flags = other >= 0 ? PIPE_CARRIES_DATA : 0};

    if (!process.scopes)
        return;
    if (one >= 0)
        descriptor_record(one, &entry);
    if (other >= 0)
        descriptor_record(other, &entry);
}
