/* cache.c: see cache.h. */
#include "account/cache.h"

#include <string.h>
#include <time.h>

enum { PLACES = 64, CACHED_GROUPS = 32 };

struct entry {
    uint32_t kind; /* enum identity_kind; 0 (IDENTITY_NONE): empty */
    uid_t uid;
    struct in6_addr host;
    int64_t expires; /* ms of CLOCK_MONOTONIC_COARSE */
    struct cached_answer answer;
    uid_t account_uid;
    gid_t account_gid;
    uint32_t group_count;
    gid_t groups[CACHED_GROUPS];
};

static struct place {
    uint32_t sequence; /* odd while somebody writes */
    struct entry entry;
} places[PLACES];

static uint32_t lifetime;

void cache_set_lifetime(uint32_t milliseconds)
{
    lifetime = milliseconds;
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

static struct place *place_of(const struct identity *peer)
{
    uint32_t hash = peer->uid;

    if (peer->kind == IDENTITY_HOST)
        for (unsigned i = 0; i < sizeof peer->peer.address; i++)
            hash = hash * 31 + peer->peer.address.s6_addr[i];
    return &places[hash * UINT32_C(2654435761) >> 26];
}

static bool is_for(const struct entry *entry, const struct identity *peer)
{
    if (entry->kind != (uint32_t)peer->kind || entry->expires <= now())
        return false;
    if (peer->kind == IDENTITY_USER)
        return entry->uid == peer->uid;
    return memcmp(&entry->host, &peer->peer.address, sizeof entry->host) == 0;
}

bool cache_find(const struct identity *peer, struct cached_answer *answer, struct account *account)
{
    struct place *place = place_of(peer);
    uint32_t before = __atomic_load_n(&place->sequence, __ATOMIC_ACQUIRE);
    struct entry entry;

    if (before & 1)
        return false;
    memcpy(&entry, &place->entry, sizeof entry);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&place->sequence, __ATOMIC_RELAXED) != before || !is_for(&entry, peer))
        return false;
    *answer = entry.answer;
    account->uid = entry.account_uid;
    account->gid = entry.account_gid;
    account->group_count = entry.group_count;
    memcpy(account->groups, entry.groups, entry.group_count * sizeof(gid_t));
    return true;
}

void cache_remember(
    const struct identity *peer, const struct cached_answer *answer, const struct account *account)
{
    struct place *place = place_of(peer);
    uint32_t before = __atomic_load_n(&place->sequence, __ATOMIC_RELAXED);
    struct entry entry = {.kind = peer->kind,
        .uid = peer->uid,
        .host = peer->peer.address,
        .expires = now() + lifetime,
        .answer = *answer,
        .account_uid = account->uid,
        .account_gid = account->gid,
        .group_count = account->group_count};

    if (account->group_count > CACHED_GROUPS || before & 1)
        return;
    memcpy(entry.groups, account->groups, account->group_count * sizeof(gid_t));
    if (!__atomic_compare_exchange_n(
            &place->sequence, &before, before + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(&place->entry, &entry, sizeof entry);
    __atomic_store_n(&place->sequence, before + 2, __ATOMIC_RELEASE);
}

void cache_after_fork(void)
{
    for (unsigned i = 0; i < PLACES; i++)
        if (places[i].sequence & 1)
            places[i] = (struct place){0};
}
