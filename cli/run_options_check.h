/* run_options_check.h: between run_options.c, which reads words, and run_options_check.c. */
#pragma once

#include "run_options.h"

/* Names of the last options, NULL for none, that are about one way to keep peers apart. */
struct run_options_about {
    const char *instances, *processes;
};

/*
 * -1 if the options go together, else 125 after one line about what does not. What follows from
 * another option is set: --gate, --observe and --inline mean scopes.
 */
int run_options_check(struct run_options *options, const struct run_options_about *about);
