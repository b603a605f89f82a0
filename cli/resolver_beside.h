/*
 * resolver_beside.h: the process beside the server, private to resolver_process.c and
 * resolver_leave.c.
 */
#pragma once

#include "loading.h"
#include "resolver.h"
#include "resolver_process.h"

struct beside {
    const struct resolver_plan *plan;
    struct resolver resolver;
    struct loading loading;
    int tie;     /* to run; at its end when run has executed the server */
    int signals; /* signalfd: SIGCHLD */
    bool harmless;
    uint32_t decided; /* enum isolation; ISOLATION_UNDECIDED: nobody has waited for clients yet */
    pid_t asked;      /* the process that did so first */
};

/*
 * Gives up what is the server's: its directory, its descriptors, its privilege (CAP_KILL alone
 * stays until the library is proved). Returns what failed, with the error in *error, or NULL.
 */
const char *resolver_leave(struct beside *beside, int *error);
