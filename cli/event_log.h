/*
 * event_log.h: what happened, one line an event.
 *
 * Invariant: whatever comes from outside (names, commands, details) is escaped, so that an event is
 * one line and stands for nothing else; a flood of one peer's same refusal is counted, not
 * repeated; and nobody who does not read the log can make the resolver wait: what cannot be written
 * at once is dropped, and the next line that can be says how many were.
 *
 * Opened by run, with its privileges; written by the resolver. Uses NSS for names, allocates.
 */
#pragma once

#include "policy.h"

#include <stdbool.h>

enum event_target { EVENT_TO_STDERR, EVENT_TO_SYSLOG, EVENT_TO_FILE };
enum event_format { EVENT_AS_TEXT, EVENT_AS_JSON };

struct event_log;

/*
 * Opens the log; `path` only for EVENT_TO_FILE, which is created with mode 0640. With `verbose`
 * peers that were served are reported too. Returns 0 with *log the caller's, or -errno.
 */
int event_log_open(enum event_target target, const char *path, enum event_format format,
    bool verbose, struct event_log **log);

/*
 * What --only said, `count` strings that stay the caller's: the log tells at its end which of them
 * named no socket, if the server had any.
 */
void event_log_expect(struct event_log *log, const char *const only[], unsigned count);

/* Writes what was counted and not yet said. */
void event_log_finish(struct event_log *log);

/* The same, and closes. NULL is fine. */
void event_log_close(struct event_log *log);

/* The one descriptor that the log needs, or -1; syslog's may be replaced while it runs. */
int event_log_descriptor(const struct event_log *log);

/*
 * An event that the library reports, from process `pid` (as the kernel says). `policy` tells which
 * rule decided. `request` has been checked: its enumerators are in range.
 */
void event_log_report(
    struct event_log *log, const struct request *request, pid_t pid, const struct policy *policy);

/* An event of the command's own, about the server or nobody: `name` for JSON, `text` for people. */
void event_log_notice(struct event_log *log, const char *name, pid_t pid, const char *text);

/*
 * Writes the counts whose interval has passed. Returns the milliseconds until the next one will
 * have, or -1 if nothing is being counted.
 */
int event_log_tick(struct event_log *log);
