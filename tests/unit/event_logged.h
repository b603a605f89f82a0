/*
 * event_logged.h: what the tests of the log share: events, and a file that they are written to.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_log.h"

enum { ALICE = 1001, BOB = 1002 };

extern struct policy *policy; /* denies bob */
extern char log_path[];       /* of the log, in the world's own directory */

/* For cmocka's groups: the policy, and an empty file. */
int log_set_up(void **state);
int log_tear_down(void **state);

/* What the library says of a peer `uid` who comes over TCP. */
struct request event(enum event_kind kind, enum account_verdict verdict, uid_t uid);

/* A log to a new file at `log_path`. */
struct event_log *open_log(enum event_format format, bool verbose);

/* What the file holds, to be freed. */
char *contents(void);

/* How often `part` is in `text`. */
unsigned count(const char *text, const char *part);
