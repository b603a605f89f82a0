/* stand_ins.c: see stand_ins.h. */
#include "instance/stand_ins.h"

#include "instance/shadow.h"
#include "kernel.h"
#include "scope/descriptors.h"

#include <string.h>

enum { LISTINGS = 128 };

static struct listing listings[LISTINGS];

static enum listing_state state_of(const struct listing *listing)
{
    return __atomic_load_n(&listing->state, __ATOMIC_ACQUIRE);
}

struct listing *listing_of(int number)
{
    const struct descriptor *entry = descriptor_find(number);
    struct listing *listing;

    if (__builtin_expect(!entry || entry->kind != DESCRIPTOR_STAND_IN, true))
        return NULL;
    listing = &listings[entry->serial % LISTINGS];
    if (state_of(listing) < LISTING_SERVED || listing->cookie != entry->cookie)
        return NULL;
    if (kernel_is_socket(number, entry->cookie))
        return listing;
    descriptor_forget(number); /* closed behind our back */
    return NULL;
}

bool listing_brings_clients(int number)
{
    const struct descriptor *entry = descriptor_find(number);

    return __builtin_expect(entry && entry->kind == DESCRIPTOR_STAND_IN, false) &&
           state_of(&listings[entry->serial % LISTINGS]) == LISTING_LISTENING;
}

struct listing *listing_of_bound(uint64_t cookie)
{
    for (unsigned i = 0; i < LISTINGS; i++)
        if (state_of(&listings[i]) == LISTING_BOUND && listings[i].cookie == cookie)
            return &listings[i];
    return NULL;
}

static void note_use(int number, const struct descriptor *entry, void *context)
{
    bool *used = context;

    (void)number;
    if (entry->kind == DESCRIPTOR_STAND_IN)
        used[entry->serial % LISTINGS] = true;
}

static void end(struct listing *listing, enum listing_state state, uint64_t cookie)
{
    uint32_t expected = state;

    if (!__atomic_compare_exchange_n(
            &listing->state, &expected, LISTING_CLAIMED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return;
    if (listing->cookie != cookie) { /* another by now */
        listing_publish(listing, state);
        return;
    }
    if (state == LISTING_LISTENING)
        shadow_end(listing);
    listing_publish(listing, LISTING_FREE);
}

/*
 * Frees the places of sockets that this process has no descriptor of any more. What there was is
 * noted before it is looked for: what is published meanwhile has its descriptor already.
 */
static void sweep(void)
{
    enum listing_state states[LISTINGS];
    uint64_t cookies[LISTINGS];
    bool used[LISTINGS] = {false};

    for (unsigned i = 0; i < LISTINGS; i++) {
        states[i] = state_of(&listings[i]);
        cookies[i] = listings[i].cookie;
    }
    descriptor_visit(note_use, used);
    for (unsigned i = 0; i < LISTINGS; i++) {
        if (states[i] == LISTING_BOUND && !kernel_is_socket(listings[i].number, cookies[i]))
            end(&listings[i], states[i], cookies[i]);
        else if (states[i] > LISTING_BOUND && !used[i])
            end(&listings[i], states[i], cookies[i]);
    }
}

struct listing *listing_claim(void)
{
    sweep();
    for (unsigned i = 0; i < LISTINGS; i++) {
        uint32_t expected = LISTING_FREE;

        if (__atomic_compare_exchange_n(&listings[i].state, &expected, LISTING_CLAIMED, false,
                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            listings[i].shadow = -1;
            return &listings[i];
        }
    }
    return NULL;
}

void listing_publish(struct listing *listing, enum listing_state state)
{
    __atomic_store_n(&listing->state, state, __ATOMIC_RELEASE);
}

int listing_record(const struct listing *listing, int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_STAND_IN,
        .cookie = listing->cookie,
        .serial = (uint32_t)(listing - listings)};

    return descriptor_record(number, &entry);
}

bool listing_has_address(const struct sockaddr_storage *address, uint32_t length)
{
    for (unsigned i = 0; i < LISTINGS; i++)
        if (state_of(&listings[i]) >= LISTING_SERVED && listings[i].address_length == length &&
            memcmp(&listings[i].address, address, length) == 0)
            return true;
    return false;
}
