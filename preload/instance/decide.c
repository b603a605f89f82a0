/*
 * decide.c: --isolate=auto is decided by a process's first wait for clients, once; the other
 * threads wait for it.
 *
 * How it fails: with no answer the peers are kept apart by scopes, which need the resolver for
 * each of them.
 */
#include "instance/instance.h"

#include "account/channel.h"
#include "instance/offer.h"
#include "instance/registrations.h"
#include "instance/supervisor.h"
#include "kernel.h"
#include "scope/signals.h"
#include "scope/thread.h"

#include <limits.h>
#include <linux/futex.h>

static enum isolation ask(bool by_epoll)
{
    struct request request = {
        .magic = PROTOCOL_MAGIC, .kind = REQUEST_SERVES, .socket.by_epoll = by_epoll};
    struct decision decision = {0};
    struct iovec part = {&decision, sizeof decision};

    if (channel_ask(&request, &part, 1) != sizeof decision || decision.magic != PROTOCOL_MAGIC ||
        decision.isolation != ISOLATION_INSTANCES)
        return ISOLATION_SCOPES;
    return ISOLATION_INSTANCES;
}

static void hand_over(int number, const struct descriptor *entry, void *context)
{
    (void)context;
    if (entry->kind == DESCRIPTOR_UNTOUCHED ||
        (entry->kind == DESCRIPTOR_LISTENER && !entry->sealed))
        listener_hand_over(number);
}

/* Once. A handler that jumped out of this would leave the others waiting for ever. */
static bool decide_first(bool by_epoll)
{
    uint64_t signals = signals_block();
    uint32_t state = DECIDING_NOT_YET;
    bool is_first = __atomic_compare_exchange_n(
        &process.deciding, &state, DECIDING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);

    if (is_first) {
        process.settings.isolation = ask(by_epoll);
        if (process.settings.isolation == ISOLATION_INSTANCES)
            descriptor_visit(hand_over, NULL);
        __atomic_store_n(&process.deciding, DECIDED, __ATOMIC_RELEASE);
        kernel_call(SYS_futex, (long)&process.deciding, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
    }
    signals_restore(signals);
    return is_first;
}

static void decide(bool by_epoll)
{
    if (decide_first(by_epoll))
        return;
    while (__atomic_load_n(&process.deciding, __ATOMIC_ACQUIRE) == DECIDING)
        kernel_call(SYS_futex, (long)&process.deciding, FUTEX_WAIT_PRIVATE, DECIDING, 0, 0, 0);
}

static void tell_that_it_waits(void)
{
    static pid_t told;
    struct request request = {.magic = PROTOCOL_MAGIC, .kind = REQUEST_WAITS};

    if (told == process.pid) /* not in the child of a fork */
        return;
    told = process.pid;
    channel_report(&request);
}

void instance_before_clients(bool by_epoll)
{
    if (process.settings.isolation == ISOLATION_SCOPES || process.sealed || !process.wrapped)
        return;
    if (process.settings.isolation == ISOLATION_UNDECIDED ||
        __atomic_load_n(&process.deciding, __ATOMIC_ACQUIRE) == DECIDING)
        decide(by_epoll);
    if (process.settings.isolation == ISOLATION_INSTANCES)
        tell_that_it_waits();
}

/*
 * A non-blocking accept is a question, and who asks first may wait by epoll next: nobody is there
 * for now. Once for each listener: who asks again waits in no other way.
 */
static bool only_asks(int listener)
{
    struct descriptor *entry = descriptor_find(listener);

    if (!entry || entry->kind != DESCRIPTOR_LISTENER || entry->flags & LISTENER_WAS_ASKED)
        return false;
    entry->flags |= LISTENER_WAS_ASKED;
    return kernel_fcntl(listener, F_GETFL, 0) & O_NONBLOCK;
}

bool instance_before_accept(int listener)
{
    bool by_epoll;

    if (process.settings.isolation != ISOLATION_UNDECIDED || process.sealed || !process.wrapped) {
        instance_before_clients(false);
        return true;
    }
    by_epoll = registrations_has(listener);
    if (!by_epoll && only_asks(listener))
        return false;
    instance_before_clients(by_epoll);
    return true;
}
