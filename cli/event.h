/*
 * event.h: one event with everything that its line says, and the two ways to write it.
 *
 * Invariant: every string in it has been escaped, and is never NULL; what is not known is empty.
 *
 * Used by event_log.c, which fills it, event_text.c and event_json.c.
 */
#pragma once

#include "account/protocol.h"

#include <stdio.h>
#include <time.h>

enum { EVENT_NAME_SIZE = 128, EVENT_RULE_SIZE = 648, EVENT_REASON_SIZE = 1024 };

struct event {
    const char *name; /* for programs: "refused" */
    struct timespec time;
    pid_t pid; /* whose event it is, 0 for nobody's */
    char command[EVENT_NAME_SIZE];
    const struct request *request; /* NULL for an event of the command's own: then `text` */
    const char *text;
    char peer_name[EVENT_NAME_SIZE];
    char account_name[EVENT_NAME_SIZE];
    char reason[EVENT_REASON_SIZE]; /* why it was refused, or would have been */
    char rule[EVENT_RULE_SIZE];     /* the rule that did it */
    char detail[EVENT_NAME_SIZE];
    unsigned repeated; /* not 0: it happened so many more times */
    unsigned seconds;  /* in this time */
};

/* The event as a line for people, without its end; for programs, as a JSON object. */
void event_write_text(const struct event *event, FILE *out);
void event_write_json(const struct event *event, FILE *out);

/* "127.0.0.1", "::1"; empty for an end that has no address. `text` holds `size` bytes. */
const char *event_address(const struct identity_endpoint *end, char *text, size_t size);

/* "2026-11-22T19:24:34.123Z" */
void event_write_time(const struct timespec *time, FILE *out);
