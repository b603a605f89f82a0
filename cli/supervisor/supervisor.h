/*
 * supervisor.h: an instance of the server for each account, behind the same listeners.
 *
 * What must always hold
 * - A connection goes to the instance of the one account that policy gives its peer, or it is
 *   reset. Not one byte of it is read here.
 * - An instance is sealed, whole, before the first connection is on its way to it; it is given to
 *   one account, once. A listener never goes to an instance.
 * - What an instance says is a stranger's word. It can offer listeners while it is nobody's, and
 *   shut its own stand-ins; nothing that it says or does not say touches another instance.
 * - Nothing here waits but the loop: a client, an instance or a reader of the log that does not
 *   move holds up nobody else. (The name service does; its answers are remembered for a while.)
 *
 * supervisor.c is the loop and the signals; clients.c the way of a connection; instance.c one
 * instance and pool.c how many there are; requests.c what instances ask. Single-threaded.
 */
#pragma once

#include "event_log.h"
#include "listeners.h"
#include "loop.h"
#include "policy.h"
#include "tenants.h"

#include <signal.h>
#include <sys/resource.h>

struct supervisor_plan {
    struct policy *policy;
    struct event_log *log;
    bool verbose;
    struct settings settings; /* what instances are told */
    const char *library;      /* what they must load; LD_PRELOAD of `environment` names it */
    const char *program;      /* what to execve */
    char *const *arguments;
    char *const *environment;
    bool takes_sockets; /* LISTEN_PID in it named `run`: each instance gets the sockets */
    bool expand;        /* placeholders in these two are meant (placeholders.h) */
    unsigned idle, max_instances, spares, stop_timeout; /* seconds; numbers */
    bool instance_tmp;
    const char *notify;        /* the NOTIFY_SOCKET that instances get, NULL: none */
    int notify_inner;          /* its other end, -1: none */
    int inherited[16];         /* descriptors that the server is to have, ended by -1 */
    struct rlimit descriptors; /* the server's RLIMIT_NOFILE */
    sigset_t mask;             /* its signal mask */
    uint64_t ignored;          /* what it ignores from the start, bit n-1 for signal n */

    /* --isolate=auto: the server that run became, which listens and shows that it is a loop. */
    pid_t run;         /* the pid that run had; 0: explicit */
    pid_t main;        /* the first process: that one, or the daemon's */
    pid_t asked;       /* who waited for clients first */
    int asked_process; /* pidfd of that, -1: it has gone */
    int main_channel;  /* our end of its channel */
};

struct instance;

struct told {
    unsigned serving, spare, waiting;
    int64_t next; /* not before, if only `waiting` has changed */
};

struct supervisor {
    const struct supervisor_plan *plan;
    struct loop loop;
    struct listeners listeners;
    struct tenants tenants;
    struct instance *instances; /* all of them, linked */
    unsigned last_number;       /* of an instance */
    int place;                  /* the number that an instance's channel has, kept taken */
    int list;                   /* list_server.h */
    struct source signals, list_source, notify_source, main_source;
    pid_t main; /* plan->main; another, if that has turned out a daemon's starter */
    bool main_lives, watches_main;
    bool was_ready; /* some instance has waited for clients */
    bool stopping;
    int64_t main_deadline;   /* when stopping: then it is killed */
    unsigned start_failures; /* in a row */
    int64_t no_start_before; /* because of them */
    int64_t last_assigned;   /* when the last spare became somebody's */
    int64_t next_sweep;      /* of tenants whose failures are old */
    int64_t resume;          /* accepting, after descriptors were short */
    int64_t next_look;       /* at who is idle */
    struct told told;        /* to the service manager */
    int status;              /* to end with, as waitpid(2) gives it */
};

/*
 * Runs until the server is told to end, or cannot start, and returns run's exit status. A server
 * that was ended by a signal has `*signal` set: run ends itself the same way.
 */
int supervisor_run(const struct supervisor_plan *plan, int *signal);

/* For the log: always, or only with --verbose. The text is made like printf(3)'s. */
void supervisor_say(const struct supervisor *supervisor, bool always, const char *name, pid_t pid,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* TERM, or what was sent: every instance is told, nobody is accepted any more. */
void supervisor_stop(struct supervisor *supervisor, int signal);

/* An instance waits for clients: the service is up. */
void supervisor_is_ready(struct supervisor *supervisor);

/* ---- supervisor_signals.c ---- */

int supervisor_open_signals(struct supervisor *supervisor);

/* What people and service managers send: to the supervisor, or to the server's first process. */
void supervisor_take_signal(struct supervisor *supervisor, int signal);

/* ---- main_process.c: nothing happens without --isolate=auto ---- */

/* The end of the server's first process is everybody's from now on, and its signals are, too. */
void main_process_watch(struct supervisor *supervisor);

/* SIGCHLD came. */
void main_process_changed(struct supervisor *supervisor);

/* When stopping, kills it after --stop-timeout. Returns the milliseconds to that, -1 for never. */
int main_process_tick(struct supervisor *supervisor);

/* ---- clients.c ---- */

/* Who waits at this listener: accept, identify, decide, and give to the account's instance. */
void clients_accept(void *supervisor, struct listener *listener);

/* The tenant has an instance that serves: what waits is delivered, as far as there is room. */
void clients_deliver(struct supervisor *supervisor, struct tenant *tenant);

/* The same for those at one listener: its stand-in has room again, or there is another. */
void clients_deliver_at(struct supervisor *supervisor, struct tenant *tenant, uint32_t listener);

/* Has the tenant as many of our descriptors, for clients that wait and for stand-ins, as it may? */
bool clients_have_their_share(const struct supervisor *supervisor, const struct tenant *tenant);

/* What waits is refused: the verdict and the errno value are for the log. */
void clients_refuse(
    struct supervisor *supervisor, struct tenant *tenant, enum account_verdict verdict, int error);

/* What has waited since before `since` at a listener that the tenant's instance does not have. */
void clients_refuse_hopeless(struct supervisor *supervisor, struct tenant *tenant, int64_t since);

/* ---- pool.c ---- */

/* The tenant has somebody waiting and no instance: it gets a spare, or stands in the line. */
void pool_want(struct supervisor *supervisor, struct tenant *tenant);

/* Something changed: gives spares to those who want one, starts what is missing. */
void pool_balance(struct supervisor *supervisor);

/* An instance has ended; `tenant` (or NULL) is whose it was. */
struct ending {
    bool waited;   /* it had come so far as to wait for clients */
    bool asked;    /* we told it to end */
    int64_t lived; /* milliseconds since it was assigned, or started */
};
void pool_ended(struct supervisor *supervisor, struct tenant *tenant, const struct ending *ending);

/* Does the command differ from account to account? Then none can be started ahead. */
bool pool_needs_account(const struct supervisor *supervisor);

/* What is due by now: idle ones, deadlines. Returns the milliseconds to the next, -1 for never. */
int pool_tick(struct supervisor *supervisor);
