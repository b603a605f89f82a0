/*
 * diag_socket.c: a few sock_diag sockets, opened when first needed, then kept.
 *
 * Invariant: a slot's socket is used by one thread at a time, and only after its SO_COOKIE proved
 * that the descriptor is still the socket that was opened: servers close descriptors they do not
 * know and get the numbers for files of their own. What is not ours any more is neither written to
 * nor closed. A process uses only what it opened itself: a child of fork(2) would share the
 * parent's socket and take its answers.
 *
 * Called by sock_diag.c, and through identity.h by the hooks and the fork handler. Without a free
 * slot, in a process that did not announce itself (raw clone) and for another namespace, a socket
 * is opened for one look-up; so the slots bound nothing but cost. Fails as socket(2) does.
 */
#include "identity/diag_socket.h"

#include "cleanup.h"
#include "identity/identity.h"
#include "kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* As many look-ups as may run at once without opening a socket each. */
enum { SLOT_COUNT = 8 };

/*
 * The kernel's descriptor table grows with the highest number (8 bytes each), so "high" has a bound
 * whatever the limit, and select(2) reads as much of a server's sets as the table is large: no more
 * than an fd_set holds.
 */
enum { HIGHEST_DESCRIPTOR = 1024, ROOM_ABOVE = 64 };

/* How long identity_move_descriptor() lets another thread's look-up finish. */
enum { MOVE_ATTEMPTS = 1000 };

/* Only who holds `taken` writes the rest; descriptor and cookie are also read without it. */
struct diag_slot {
    _Alignas(64) atomic_bool taken;
    uint32_t sequence;
    atomic_int descriptor; /* plus 1, so that zero-filled memory is "none" */
    atomic_uint_least64_t cookie;
    uint64_t netns;
};

static struct diag_slot slots[SLOT_COUNT];

/* The process whose sockets stand in the slots; 0 before the first look-up. */
static atomic_int owner;

static int slot_descriptor(struct diag_slot *slot)
{
    return atomic_load_explicit(&slot->descriptor, memory_order_acquire) - 1;
}

static bool slot_take(struct diag_slot *slot)
{
    return !atomic_load_explicit(&slot->taken, memory_order_relaxed) &&
           !atomic_exchange_explicit(&slot->taken, true, memory_order_acquire);
}

static void slot_release(struct diag_slot *slot)
{
    atomic_store_explicit(&slot->taken, false, memory_order_release);
}

/* The cookie is in place before the number: whoever sees the number can prove it. */
static void slot_keep(struct diag_slot *slot, int descriptor, uint64_t cookie, uint64_t netns)
{
    slot->netns = netns;
    atomic_store_explicit(&slot->descriptor, 0, memory_order_release);
    atomic_store_explicit(&slot->cookie, cookie, memory_order_release);
    atomic_store_explicit(&slot->descriptor, descriptor + 1, memory_order_release);
}

static bool slot_is_ours(struct diag_slot *slot)
{
    return kernel_is_socket(
        slot_descriptor(slot), atomic_load_explicit(&slot->cookie, memory_order_acquire));
}

/* A copy of `descriptor` where servers do not look for descriptors of their own; or -errno. */
static int copy_high(int descriptor)
{
    struct rlimit64 limit;
    uint64_t top = HIGHEST_DESCRIPTOR;

    if (kernel_getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < top)
        top = limit.rlim_cur;
    top = top > 2 * ROOM_ABOVE ? top - ROOM_ABOVE : top / 2;
    return kernel_fcntl(descriptor, F_DUPFD_CLOEXEC, (long)top);
}

/* A new sock_diag socket with its cookie and namespace, at the lowest number; or -errno. */
static int open_socket(uint64_t *cookie, uint64_t *netns)
{
    cleanup_descriptor int opened = kernel_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
    socklen_t length = sizeof *netns;
    int result;

    if (opened < 0)
        return opened;
    result = kernel_socket_cookie(opened, cookie);
    if (result < 0)
        return result;
    result = kernel_getsockopt(opened, SOL_SOCKET, SO_NETNS_COOKIE, netns, &length);
    if (result < 0)
        return result;
    return descriptor_steal(&opened);
}

/* Makes the slot's socket usable: the kept one if it is still ours, else a new one. */
static int slot_prepare(struct diag_slot *slot)
{
    cleanup_descriptor int opened = -1;
    uint64_t cookie, netns;
    int high;

    if (slot_is_ours(slot))
        return 0;
    opened = open_socket(&cookie, &netns);
    if (opened < 0)
        return opened;
    high = copy_high(opened);
    slot_keep(slot, high < 0 ? descriptor_steal(&opened) : high, cookie, netns);
    return 0;
}

/* Are the slots this process's own? The first process to ask is their owner. */
static bool owns_slots(void)
{
    int process = kernel_getpid();
    int nobody = 0;

    return atomic_load_explicit(&owner, memory_order_relaxed) == process ||
           atomic_compare_exchange_strong(&owner, &nobody, process);
}

static bool take_kept(uint64_t netns, struct diag_socket *taken)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        if (!slot_take(&slots[i]))
            continue;
        if (slot_prepare(&slots[i]) == 0 && slots[i].netns == netns) {
            *taken =
                (struct diag_socket){.descriptor = slot_descriptor(&slots[i]), .slot = &slots[i]};
            return true;
        }
        slot_release(&slots[i]);
        return false; /* the others would be opened in the same namespace, or not at all */
    }
    return false;
}

int diag_socket_take(uint64_t netns, struct diag_socket *taken)
{
    cleanup_descriptor int opened = -1;
    uint64_t opened_netns;

    if (owns_slots() && take_kept(netns, taken))
        return 0;
    *taken = (struct diag_socket){.descriptor = -1};
    opened = open_socket(&taken->cookie, &opened_netns);
    if (opened < 0)
        return opened;
    if (opened_netns != netns)
        return -EXDEV;
    taken->descriptor = descriptor_steal(&opened);
    return 0;
}

void diag_socket_give(struct diag_socket *taken)
{
    if (taken->slot != NULL)
        slot_release(taken->slot);
    else if (kernel_is_socket(taken->descriptor, taken->cookie))
        kernel_close(taken->descriptor);
    *taken = (struct diag_socket){.descriptor = -1};
}

uint32_t diag_socket_next_sequence(struct diag_socket *taken)
{
    return taken->slot != NULL ? ++taken->slot->sequence : ++taken->sequence;
}

void identity_after_fork(void)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        if (slot_is_ours(&slots[i]))
            kernel_close(slot_descriptor(&slots[i]));
        atomic_store_explicit(&slots[i].descriptor, 0, memory_order_release);
        slot_release(&slots[i]);
    }
    atomic_store(&owner, kernel_getpid());
}

static struct diag_slot *slot_of(int descriptor)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        if (descriptor >= 0 && slot_descriptor(&slots[i]) == descriptor)
            return slot_is_ours(&slots[i]) ? &slots[i] : NULL;
    return NULL;
}

bool identity_owns_descriptor(int descriptor)
{
    return slot_of(descriptor) != NULL;
}

/* Another thread may be in the middle of a look-up with it: a matter of microseconds. */
static bool take_patiently(struct diag_slot *slot)
{
    for (unsigned i = 0; i < MOVE_ATTEMPTS; i++) {
        if (slot_take(slot))
            return true;
        kernel_yield();
    }
    return false;
}

int identity_move_descriptor(int descriptor)
{
    struct diag_slot *slot = slot_of(descriptor);
    int moved = -EBADF;

    if (slot == NULL)
        return -EBADF;
    /* A vfork child has our memory but descriptors of its own: it loses a copy, we nothing. */
    if (atomic_load_explicit(&owner, memory_order_relaxed) != kernel_getpid())
        return kernel_close(descriptor);
    if (!take_patiently(slot))
        return -EBUSY;
    if (slot_descriptor(slot) == descriptor && slot_is_ours(slot))
        moved = copy_high(descriptor);
    if (moved >= 0) {
        atomic_store_explicit(&slot->descriptor, moved + 1, memory_order_release);
        kernel_close(descriptor);
    }
    slot_release(slot);
    return moved < 0 ? moved : 0;
}
