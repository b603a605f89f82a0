/*
 * run_account.h: what `wsapeer run` hands to the supervisor.
 *
 * Invariant: the server starts as if wsapeer had not been there: with the signal mask, the ignored
 * signals, the limit and the descriptors that run itself was given.
 *
 * Used by run.c.
 */
#pragma once

#include "run_options.h"
#include "supervisor.h"

/*
 * Fills in what this process was born with: call it before anything is opened or changed. 0, or
 * -E2BIG: more descriptors are open than are passed on.
 */
int run_account_inherit(struct supervisor_plan *plan);

/* Fills in what the options say. */
void run_account_configure(struct supervisor_plan *plan, const struct run_options *options);

/*
 * --isolate=account: stays as the supervisor, and returns the exit status. `library` goes into the
 * instances' LD_PRELOAD. Where the server ended by a signal, this process does, too.
 */
int run_account(struct supervisor_plan *plan);
