/*
 * resolver.h: answers what the library in the server asks.
 *
 * Invariant: a message is either of the form that protocol.h gives it or it is thrown away
 * unanswered; every descriptor that came with it is closed either way; nobody can make the resolver
 * wait. Answers are complete or refusals.
 *
 * Runs in a process of its own beside the server (resolver_process.h), single-threaded. Uses NSS.
 */
#pragma once

#include "event_log.h"
#include "policy.h"

struct resolver {
    const struct policy *policy;
    struct event_log *log;
    struct settings settings; /* the answer to a greeting */
    int channel;              /* our end, with SO_PASSCRED */
    pid_t server;             /* the process that run became */
    bool greeted;             /* by that process, since it last executed a program */
};

enum resolver_state {
    RESOLVER_EMPTY, /* nothing (more) to read now */
    RESOLVER_ENDED, /* every process of the server has closed its end */
};

/* Makes `channel` fit to receive requests (SO_PASSCRED). 0 or -errno. */
int resolver_prepare_channel(int channel);

/* Handles every request that has arrived, without waiting for another. */
enum resolver_state resolver_receive(struct resolver *resolver);
