#include "event_flood.h"

#include <string.h>

static bool same_address(const struct identity_endpoint *a, const struct identity_endpoint *b)
{
    return a->family == b->family && memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/* One user may send datagrams from millions of addresses of this host's: the user is what counts.
 */
static bool has_any_address(const struct identity *peer)
{
    return peer->source == IDENTITY_SOURCE_STAMP || peer->reason == IDENTITY_REASON_NO_STAMP ||
           peer->reason == IDENTITY_REASON_UNMAPPED;
}

/* Whatever port or process the peer comes from. */
static bool same_peer(const struct identity *a, const struct identity *b)
{
    return a->kind == b->kind && a->uid == b->uid && a->source == b->source &&
           a->reason == b->reason && a->error == b->error &&
           (has_any_address(a) || same_address(&a->peer, &b->peer)) &&
           same_address(&a->local, &b->local) && a->local.port == b->local.port;
}

static bool says_the_same(const struct flood_entry *entry, const struct request *request, pid_t pid)
{
    const struct request *first = &entry->first;

    if (!entry->used || first->event != request->event || first->verdict != request->verdict ||
        first->error != request->error || first->account_uid != request->account_uid)
        return false;
    if (request->event <= EVENT_OBSERVED)
        return same_peer(&first->peer, &request->peer);
    return entry->pid == pid && memcmp(first->detail, request->detail, sizeof first->detail) == 0;
}

bool flood_counts(struct flood *flood, const struct request *request, pid_t pid)
{
    for (size_t i = 0; i < FLOOD_ENTRIES; i++) {
        if (says_the_same(&flood->entries[i], request, pid)) {
            flood->entries[i].count++;
            return true;
        }
    }
    return false;
}

static struct flood_entry *find_place(struct flood *flood)
{
    struct flood_entry *oldest = &flood->entries[0];

    for (size_t i = 0; i < FLOOD_ENTRIES; i++) {
        if (!flood->entries[i].used)
            return &flood->entries[i];
        if (flood->entries[i].since < oldest->since)
            oldest = &flood->entries[i];
    }
    return oldest;
}

bool flood_remember(struct flood *flood, const struct request *request, pid_t pid, int64_t now,
    struct flood_entry *forgotten)
{
    struct flood_entry *place = find_place(flood);
    bool counted = place->used && place->count > 0;

    if (counted)
        *forgotten = *place;
    *place = (struct flood_entry){.used = true, .first = *request, .pid = pid, .since = now};
    return counted;
}

bool flood_take(struct flood *flood, int64_t now, struct flood_entry *over)
{
    for (size_t i = 0; i < FLOOD_ENTRIES; i++) {
        struct flood_entry *entry = &flood->entries[i];

        if (!entry->used || now - entry->since < FLOOD_INTERVAL_MS)
            continue;
        entry->used = false;
        if (entry->count > 0) {
            *over = *entry;
            return true;
        }
    }
    return false;
}

int64_t flood_next(const struct flood *flood)
{
    int64_t next = -1;

    for (size_t i = 0; i < FLOOD_ENTRIES; i++) {
        const struct flood_entry *entry = &flood->entries[i];
        int64_t end = entry->since + FLOOD_INTERVAL_MS;

        if (entry->used && entry->count > 0 && (next < 0 || end < next))
            next = end;
    }
    return next;
}
