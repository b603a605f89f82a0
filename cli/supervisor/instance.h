/*
 * instance.h: one instance of the server, as the supervisor sees it.
 *
 * Invariant: its state goes forward only. It is nobody's until it is sealed; it is one tenant's
 * from then on; a connection is sent only to an instance that serves, by its own stand-in.
 *
 *     STARTING -> SPARE -> SEALING -> SERVING -> ENDING -> gone
 *
 * from every state to ENDING; MAIN, the server of --isolate=auto, is never anybody's.
 *
 * Used by the supervisor's files. Functions return 0 or -errno.
 */
#pragma once

#include "connections.h"
#include "keeper.h"
#include "loading.h"
#include "resolver.h"
#include "supervisor.h"

enum instance_state {
    INSTANCE_STARTING, /* executed, has not waited for clients yet */
    INSTANCE_SPARE,    /* waits; nobody's */
    INSTANCE_SEALING,  /* being made one account's */
    INSTANCE_SERVING,
    INSTANCE_ENDING, /* was told to end, or its keeper kills it */
    INSTANCE_MAIN,
};

/* One stand-in: our end of it. */
struct stand_in_end {
    struct stand_in_end *next;
    struct instance *instance;
    uint32_t listener;
    uint64_t cookie; /* of the instance's end */
    bool full;       /* has no room at the moment */
    bool late;       /* the instance was somebody's when it came: the tenant holds it */
    struct source source;
};

/* A socket of the instance's that it bound to a served address. */
struct bound {
    uint64_t cookie;
    uint32_t listener; /* 0: an empty place */
};
enum { BOUND_REMEMBERED = 32 };

struct instance {
    struct instance *next;
    struct supervisor *supervisor;
    unsigned number;
    enum instance_state state;
    struct tenant *tenant; /* whose it is, or is to be */
    bool only_main;        /* a template: it was started for nobody, and may be nobody's */
    struct keeper keeper;
    struct resolver resolver;
    struct loading loading;
    struct source keeper_source, channel_source;
    struct stand_in_end *stand_ins;
    unsigned stand_in_count, late_stand_ins; /* of all of them; see instance_stand_ins.c */
    struct bound bound[BOUND_REMEMBERED];
    unsigned next_bound;
    struct connections connections;
    char directory[256];              /* --instance-tmp, "" for none */
    int64_t started, assigned, given; /* `given`: the last connection, or the assignment */
    int64_t deadline;                 /* to wait for clients, to be sealed, or to have ended */
    int64_t next_look;                /* at its connections */
    bool stale;                       /* what it was started with has changed since: a reload */
    uint64_t missed;                  /* bit n: signal n came before it waited for clients */
    bool killed;                      /* its keeper was told to end it */
    int64_t next_tend;                /* when serving: is it idle? */
    bool was_busy;                    /* when last asked */
    bool waited;                      /* for clients, once */
    bool asked;                       /* to end, by us */
    bool server_ended;                /* the process that was executed; others may live */
    int status;                       /* its status then */
};

/*
 * Starts one. `tenant` (or NULL) is whom it is to be for; `template`: for nobody, ever. It is in
 * the supervisor's list from then on.
 */
int instance_start(struct supervisor *supervisor, struct tenant *tenant, bool template);

/* The server that run became (--isolate=auto). */
int instance_adopt_main(struct supervisor *supervisor);

/* It waits for clients: a spare from now on, or sealed at once for its tenant. */
void instance_waits(struct instance *instance);

/* Seals a spare as the tenant's; it serves when the keeper has said so. */
void instance_assign(struct instance *instance, struct tenant *tenant);

/* Is told to end by `signal` (0: TERM), and killed if it has not after --stop-timeout. */
void instance_end(struct instance *instance, int signal);

/* Passes the signal on: at once, or when it has come so far as to wait for clients. */
void instance_signal(struct instance *instance, int signal);

/* It may be anybody's yet: not sealed, nor about to be, nor told to end. */
bool instance_is_nobodys(const struct instance *instance);

/* ---- instance_stand_ins.c ---- */

/* One more; *theirs is the caller's. -ENFILE: it has enough, or its tenant's share is used up. */
int instance_add_stand_in(struct instance *instance, uint32_t listener, int *theirs);
void instance_forget_stand_ins(struct instance *instance);

/*
 * A stand-in for this listener: one that has room, if there is one, else one that is full; NULL for
 * none. Where there are several, the next time it is another's turn.
 */
struct stand_in_end *instance_stand_in(struct instance *instance, uint32_t listener);

/* Are connections on their way through a stand-in? */
bool instance_has_under_way(const struct instance *instance);

/* ---- instance.c ---- */

/* Connections that it has open, and such. */
unsigned instance_connections(struct instance *instance);

/* SIGCHLD came, or time has passed: the proof that the library is loaded. */
void instance_check_loading(struct instance *instance, bool child_changed);

/* Between instance.c and instance_start.c: what its two sources call; a name for texts. */
void instance_keeper_ready(void *instance, uint32_t events);
void instance_channel_ready(void *instance, uint32_t events);
const char *instance_account_name(uid_t uid, char *space, size_t size);

/* What instances ask, requests.c: resolver.h's `other`, whose context is the instance. */
void requests_handle(
    void *instance, const struct request *request, pid_t pid, int reply, int attached);
