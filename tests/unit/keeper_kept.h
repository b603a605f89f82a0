/*
 * keeper_kept.h: what the tests of the keeper share: a server below a keeper.
 *
 * The servers are the test's own program, by another first argument: main() hands over to serve()
 * when it has two. All of a server's processes hold the writing end of a pipe (`below`): at its end
 * nothing of the server is left. What fails, fails the running test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper.h"

enum { ALICE = 1001, STRANGER = 1004, STAFF = 2001 };

/* Is the server `role`, which tells by `below`; returns what main() returns. */
int serve(const char *role, int below);

struct kept {
    struct keeper keeper;
    int below;        /* the reading end */
    int error_output; /* what the keeper writes to the log */
    int given;        /* the number that the server has */
};

/* A keeper with the server `role` below it, which waits for go; the other lets it go. */
void start(struct kept *kept, const char *role);
void start_and_go(struct kept *kept, const char *role);

/* What start() plans: the server gets `given`, its stderr goes to `log`. */
struct keeper_plan plan_for(char *const arguments[], int given, int log);

/* Reads until `text` is there, or until the end if it is NULL. Returns what was read, static. */
const char *read_until(int descriptor, const char *text);

/* Waits for the next report, which must be of this kind. */
struct keeper_report await_report(const struct keeper *keeper, enum keeper_report_kind kind);

/* After KEEPER_ENDED: the keeper ends too, and well. */
void finish(struct kept *kept);

/* The server ends, nothing is left, and then finish(). */
void await_end(struct kept *kept);
