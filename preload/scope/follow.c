/*
 * follow.c: descriptors that are copied and closed, and those that are wsapeer's own.
 *
 * A task that shares our memory but not our descriptors (a vfork child) changes nothing here: its
 * dup2() and close() are its own affair, but for what its program may not have (program.h).
 */
#include "scope/scope.h"

#include "account/channel.h"
#include "kernel.h"
#include "libc.h"
#include "scope/datagrams.h"
#include "scope/environment.h"
#include "scope/program.h"
#include "scope/thread.h"

#include <errno.h>

#include <linux/close_range.h>
#include <unistd.h>

/* channel_raise_descriptor() and identity/ stay below this, moves by the server's wish included. */
enum { HIGHEST_OWN = 66 * 1024 };

/* Only recorded numbers cost the system call that tells a stranger. */
static bool may_change(int number)
{
    return process.wrapped && descriptor_find(number) && thread_is_own();
}

void scope_copied(int number, int copy)
{
    if (copy >= 0 && (may_change(number) || may_change(copy)))
        descriptor_copy(number, copy);
    if (copy == STDIN_FILENO)
        datagrams_guard_stdin();
}

bool scope_before_close(int number)
{
    const struct descriptor *entry = descriptor_find(number);
    bool is_last = false;

    if (!may_change(number))
        return false;
    if (thread_in_scope() &&
        (entry->kind == DESCRIPTOR_CONNECTION || entry->kind == DESCRIPTOR_DATAGRAMS) &&
        entry->cookie == thread_state.cookie)
        is_last = !descriptor_has_twin(number, entry->cookie);
    descriptor_forget(number);
    if (number == STDIN_FILENO)
        datagrams_guard_stdin();
    return is_last;
}

void scope_after_close(bool was_last)
{
    if (was_last)
        thread_end_scope();
}

static void after_close_range(void)
{
    if (thread_in_scope() && !connection_is_open(thread_state.number, thread_state.cookie))
        thread_end_scope();
}

int scope_add_own(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_OWN};
    int result = kernel_socket_cookie(number, &entry.cookie);

    return result < 0 ? result : descriptor_record(number, &entry);
}

/* One of those added, and still that socket? */
static bool is_added(int number)
{
    const struct descriptor *entry = descriptor_find(number);

    return entry && entry->kind == DESCRIPTOR_OWN && kernel_is_socket(number, entry->cookie);
}

bool scope_owns(int number)
{
    if (!process.wrapped || number < 0)
        return false;
    return channel_owns(number) || number == program_become_descriptor() ||
           identity_owns_descriptor(number) || is_added(number);
}

/* The lowest number from `first` on that is ours, or `last` + 1. */
static unsigned next_own(unsigned first, unsigned last)
{
    for (unsigned number = first; number <= last && number < HIGHEST_OWN; number++)
        if (scope_owns((int)number))
            return number;
    return last + 1;
}

int scope_close_range(unsigned first, unsigned last, int flags)
{
    bool forgets = !(flags & CLOSE_RANGE_CLOEXEC) && process.wrapped && thread_is_own();
    int result = 0;

    if (!process.wrapped || first > last)
        return libc_calls()->close_range(first, last, flags);
    for (unsigned from = first;;) {
        unsigned own = next_own(from, last);

        if (own != from)
            result = libc_calls()->close_range(from, own - 1, flags);
        if (own != from && result == 0 && forgets)
            descriptor_forget_range(from, own - 1);
        if (own == last + 1 || own == last)
            break;
        from = own + 1;
    }
    if (result == 0 && forgets)
        after_close_range();
    return result;
}

static int move_channel(void)
{
    int result = channel_move();

    if (result == 0)
        environment_set_own_channel(channel_descriptor());
    return result;
}

/* One of those added: its owner finds it again by its cookie. */
static int move_added(int number)
{
    int moved = kernel_fcntl(number, F_DUPFD_CLOEXEC, number + 1);

    if (moved >= 0)
        descriptor_copy(number, moved);
    descriptor_forget(number);
    kernel_close(number);
    return moved < 0 ? moved : 0;
}

/* The server wants this number: ours goes elsewhere. */
static int yield_number(int number)
{
    if (!scope_owns(number) || !thread_is_own())
        return 0;
    if (number == channel_descriptor())
        return move_channel();
    if (number == program_become_descriptor())
        return program_move_become();
    if (is_added(number))
        return move_added(number);
    return identity_move_descriptor(number);
}

int scope_dup3(int number, int copy, int flags)
{
    bool was_last = false;
    int result;

    if (scope_owns(number)) {
        errno = EBADF;
        return -1;
    }
    if (!program_may_copy(number))
        return -1;
    yield_number(copy); /* where it cannot go elsewhere, it is gone: the server comes first */
    /* A copy onto itself closes nothing, nor does one of a number that is not open. */
    if (number != copy && kernel_fcntl(number, F_GETFD, 0) >= 0)
        was_last = scope_before_close(copy);
    result = flags < 0 ? libc_calls()->dup2(number, copy) : libc_calls()->dup3(number, copy, flags);
    if (number != copy)
        scope_copied(number, result);
    scope_after_close(was_last);
    return result;
}
