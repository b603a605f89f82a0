/* stand_ins.c: see stand_ins.h. */
#include "instance/stand_ins.h"

#include "instance/shadow.h"
#include "kernel.h"
#include "scope/descriptors.h"

#include <string.h>

enum {
    LISTINGS = 128,
    STATE = 7,    /* the part of a tag that is the state */
    ONE_LIFE = 8, /* added at each claim, so that no two lives of a place are taken for one */
};

static struct listing listings[LISTINGS];

static uint32_t tag_of(const struct listing *listing)
{
    return __atomic_load_n(&listing->tag, __ATOMIC_ACQUIRE);
}

enum listing_state listing_state(const struct listing *listing)
{
    return tag_of(listing) & STATE;
}

static bool change(struct listing *listing, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(
        &listing->tag, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

struct listing *listing_of(int number)
{
    const struct descriptor *entry = descriptor_find(number);
    struct listing *listing;

    if (__builtin_expect(!entry || entry->kind != DESCRIPTOR_STAND_IN, true))
        return NULL;
    listing = &listings[entry->serial % LISTINGS];
    if (listing_state(listing) < LISTING_SERVED || listing->cookie != entry->cookie)
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
           listing_state(&listings[entry->serial % LISTINGS]) == LISTING_LISTENING;
}

bool listing_bound_address(uint64_t cookie, struct sockaddr_storage *address, uint32_t *length)
{
    for (unsigned i = 0; i < LISTINGS; i++) {
        uint32_t tag = tag_of(&listings[i]);

        if ((tag & STATE) != LISTING_BOUND || listings[i].cookie != cookie)
            continue;
        *address = listings[i].address;
        *length = listings[i].address_length;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (tag_of(&listings[i]) == tag)
            return true;
    }
    return false;
}

static void note_use(int number, const struct descriptor *entry, void *context)
{
    bool *used = context;

    (void)number;
    if (entry->kind == DESCRIPTOR_STAND_IN)
        used[entry->serial % LISTINGS] = true;
}

/* Unless it has changed since it had that tag. */
static bool end(struct listing *listing, uint32_t tag)
{
    if (!change(listing, tag, (tag & ~STATE) | LISTING_CLAIMED))
        return false;
    if ((tag & STATE) == LISTING_LISTENING)
        shadow_end(listing);
    listing_publish(listing, LISTING_FREE);
    return true;
}

/*
 * Frees the places of stand-ins that this process has no descriptor of any more. What there was is
 * noted before it is looked for: what is published meanwhile has its descriptor already.
 */
static void sweep(void)
{
    uint32_t tags[LISTINGS];
    bool used[LISTINGS] = {false};
    unsigned moves = descriptor_moves();

    for (unsigned i = 0; i < LISTINGS; i++)
        tags[i] = tag_of(&listings[i]);
    descriptor_visit(note_use, used);
    if (descriptor_moves() != moves)
        return; /* the next time, then */
    for (unsigned i = 0; i < LISTINGS; i++)
        if ((tags[i] & STATE) > LISTING_BOUND && !used[i])
            end(&listings[i], tags[i]);
}

static unsigned forget_bound(bool closed_alone)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LISTINGS; i++) {
        uint32_t tag = tag_of(&listings[i]);

        if ((tag & STATE) == LISTING_BOUND &&
            !(closed_alone && kernel_is_socket(listings[i].number, listings[i].cookie)))
            count += end(&listings[i], tag);
    }
    return count;
}

static struct listing *claim_free(void)
{
    for (unsigned i = 0; i < LISTINGS; i++) {
        uint32_t tag = tag_of(&listings[i]);

        if ((tag & STATE) == LISTING_FREE &&
            change(&listings[i], tag, tag + ONE_LIFE + LISTING_CLAIMED - LISTING_FREE)) {
            listings[i].shadow = -1;
            return &listings[i];
        }
    }
    return NULL;
}

struct listing *listing_claim(void)
{
    struct listing *listing;

    sweep();
    listing = claim_free();
    if (listing || (forget_bound(true) == 0 && forget_bound(false) == 0))
        return listing;
    return claim_free();
}

/* Whoever claimed it, or listens by it, is the only one to change it. */
void listing_publish(struct listing *listing, enum listing_state state)
{
    __atomic_store_n(&listing->tag, (tag_of(listing) & ~(uint32_t)STATE) | state, __ATOMIC_RELEASE);
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
        if (listing_state(&listings[i]) >= LISTING_SERVED && listings[i].address_length == length &&
            memcmp(&listings[i].address, address, length) == 0)
            return true;
    return false;
}
