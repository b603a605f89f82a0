/*
 * resolver.h: answers what the library in the server asks.
 *
 * Invariant: a message is either of the form that protocol.h gives it or it is thrown away
 * unanswered; every descriptor that came with it is closed either way; nobody can make the resolver
 * wait. Answers are complete or refusals.
 *
 * Runs in a process of its own beside the server (resolver_process.h), or for each instance in the
 * supervisor; single-threaded. Uses NSS.
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
    bool stop;                /* after this request, leave the others for later: for `other` */
    bool greeted;             /* by that process, since it last executed a program */

    /*
     * Requests from REQUEST_SERVES on; NULL: they are thrown away. `reply` (-1: no answer is
     * wanted) and `attached` (-1: nothing is) stay the resolver's. The request has been checked as
     * far as its enumerators go.
     */
    void (*other)(void *context, const struct request *request, pid_t pid, int reply, int attached);
    void *context;
};

enum { RESOLVER_BATCH = 64 }; /* then others have their turn */

enum resolver_state {
    RESOLVER_EMPTY, /* nothing (more) to read now, or enough for one turn */
    RESOLVER_ENDED, /* every process of the server has closed its end */
};

/* Makes `channel` fit to receive requests (SO_PASSCRED). 0 or -errno. */
int resolver_prepare_channel(int channel);

/* Handles the requests that have arrived, RESOLVER_BATCH at most, without waiting for another. */
enum resolver_state resolver_receive(struct resolver *resolver);
