/*
 * run_options.h: the command line of `wsapeer run`.
 *
 * Invariant: options end at the first word that is none; from there on everything is the server's
 * and is left alone. What cannot work together is refused here, before anything is started.
 *
 * Used by run.c. The strings are those of argv.
 */
#pragma once

#include "account/protocol.h"
#include "event_log.h"
#include "policy_options.h"

#include <stddef.h>

/* How peers are kept apart. Scopes it is with --gate, --observe and --inline, too. */
enum run_isolate {
    RUN_ISOLATE_AUTO,
    RUN_ISOLATE_SCOPE,
    RUN_ISOLATE_CONNECTION,
    RUN_ISOLATE_ACCOUNT,
};

struct run_options {
    enum protect_mode mode;
    bool ground_given;
    enum ground_choice ground; /* if not given: none for scopes */
    const char *ground_account;
    bool inline_loops;
    bool chroot_ok;
    enum run_isolate isolate;
    unsigned only_count; /* 0: every socket */
    struct only_name only[ONLY_MOST];
    const char *only_text[ONLY_MOST];
    bool refuse_datagrams;  /* over IP, whatever stamps there are */
    unsigned max_processes; /* from 1, with RUN_ISOLATE_CONNECTION */
    unsigned idle;          /* seconds, from 1 */
    unsigned max_instances; /* from 1 */
    unsigned spares;        /* from 0 */
    unsigned stop_timeout;  /* seconds, from 0 */
    bool instance_tmp;
    bool verbose;
    enum event_target log_target;
    const char *log_file;
    enum event_format log_format;
    const char *explain;
    struct policy_options rules;
    char **server; /* its argv, NULL-terminated; NULL only with `explain` */
};

/*
 * Returns -1 to go on, or the status to exit with: 0 after --help, 125 after one line about what is
 * wrong. Give the options back with run_options_free() in every case.
 */
int run_options_parse(int argc, char **argv, struct run_options *options);
void run_options_free(struct run_options *options);
