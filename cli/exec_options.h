/*
 * exec_options.h: the command line of `wsapeer exec`.
 *
 * Invariant: options end at the first word that is none; from there on everything is the command's
 * and is left alone.
 *
 * Used by exec.c. The strings are those of argv.
 */
#pragma once

#include "policy_options.h"
#include "socket_name.h"

struct exec_options {
    struct socket_name socket;
    struct policy_options rules;
    bool env_only;
    char **command; /* its argv, NULL-terminated */
};

/*
 * Returns -1 to go on, or the status to exit with: 0 after --help, 125 after one line about what is
 * wrong. Give the options back with exec_options_free() in every case.
 */
int exec_options_parse(int argc, char **argv, struct exec_options *options);
void exec_options_free(struct exec_options *options);
