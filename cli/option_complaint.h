/*
 * option_complaint.h: what is wrong with an option, in one line.
 *
 * Invariant: a command whose argp is told to be quiet (ARGP_NO_ERRS) still says, once, what getopt
 * did not like. Options may be given in full or as a prefix that is no other's.
 *
 * Used by the subcommands' option parsers after argp_parse() has failed. Prints with complain(),
 * allocates nothing of its own, leaves errno alone.
 */
#pragma once

#include <argp.h>
#include <stdbool.h>

/*
 * Looks at `word`, one of argv or NULL, by `command`'s table of options. Returns true after one
 * line about it, false if there is nothing wrong with it.
 */
bool option_complaint(const char *command, const struct argp_option *table, const char *word);
