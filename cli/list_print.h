/*
 * list_print.h: the instances of a supervisor, as a table or as JSON.
 *
 * Invariant: every name that is printed has gone through escape_text(). What is printed goes to
 * stdout, whose errors the caller judges.
 *
 * Called by list.c.
 */
#pragma once

#include "list_server.h"

#include <stdbool.h>

/* A line for each, columns aligned, under a header if `header`. Uses no memory of its own. */
void list_print_table(const struct list_entry *entries, unsigned count, bool header);

/* One JSON object and a newline, as wsapeer-list(1) documents it. 0, or -ENOMEM. */
int list_print_json(pid_t supervisor, const struct list_entry *entries, unsigned count);
