/*
 * only_option.h: the argument of `wsapeer run --only`.
 *
 * Used by run_options.c. What it names is compared in the server: scope/only.c.
 */
#pragma once

#include "run_options.h"

/* Adds what `text` names. 0, or -EINVAL after one line about what is wrong. */
int only_option_add(struct run_options *options, const char *text);
