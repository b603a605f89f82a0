/*
 * event_flood.h: what happens again and again is counted.
 *
 * Invariant: of events that say the same the first is to be written at once, the others are
 * counted until FLOOD_INTERVAL_MS have passed since the first; nothing that was counted is
 * forgotten without being given back. The table is bounded: at worst more lines are written.
 *
 * Used by event_log.c. Times are milliseconds of any one clock.
 */
#pragma once

#include "account/protocol.h"

enum { FLOOD_ENTRIES = 64, FLOOD_INTERVAL_MS = 10000 };

struct flood_entry {
    bool used;
    struct request first; /* the event that was written */
    pid_t pid;
    int64_t since;
    unsigned count; /* how many came after it */
};

struct flood {
    struct flood_entry entries[FLOOD_ENTRIES];
};

/* Does it say the same as one that was written in this interval? Then it is counted now. */
bool flood_counts(struct flood *flood, const struct request *request, pid_t pid);

/*
 * Remembers an event that is being written. Returns true if another one had to be forgotten for it
 * that had been counted: that is then in *forgotten.
 */
bool flood_remember(struct flood *flood, const struct request *request, pid_t pid, int64_t now,
    struct flood_entry *forgotten);

/* Forgets one event that is over by `now`; true if it had been counted, then it is in *over. */
bool flood_take(struct flood *flood, int64_t now, struct flood_entry *over);

/* When the first interval with a count is over; -1 if nothing has been counted. */
int64_t flood_next(const struct flood *flood);
