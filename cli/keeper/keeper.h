/*
 * keeper.h: the parent of one instance.
 *
 * An instance of the server is a tree of processes. A keeper is a process of ours above each tree,
 * a child of the supervisor's: it executes the server, adopts what the server leaves behind
 * (PR_SET_CHILD_SUBREAPER), so that "everything below the keeper" is the instance, exactly; passes
 * on signals; seals the whole tree when it gets its account; keeps the last line that the server
 * wrote to stderr; and ends all of it when it is told to, or when the supervisor has gone.
 *
 * Invariant: while a keeper lives nothing of its instance can leave it, and when it has ended there
 * is nothing left of it. A tree is sealed whole or it is killed.
 *
 * The supervisor's half of the interface is here; it never waits for the keeper. Orders and reports
 * go over a SOCK_SEQPACKET pair. Functions return 0 or -errno.
 */
#pragma once

#include "account/account.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct keeper_plan {
    const char *program;    /* what to execve */
    char *const *arguments; /* its argv */
    char *const *environment;
    bool takes_sockets; /* LISTEN_PID in it becomes the server's own: sd_listen_fds(3) */
    int inherited[16];  /* descriptors that the server gets, numbers as they are; -1 ends the list.
                           0 is /dev/null, whatever the supervisor has: a terminal there would let
                           an instance read and type as its owner */
    int output;         /* where its stdout goes, through a pipe to the keeper, too */
    int log; /* where the server's stderr goes; the keeper reads what comes through a pipe */
    struct rlimit descriptors; /* RLIMIT_NOFILE of the server (the supervisor's own is higher) */
    sigset_t mask;             /* the server's signal mask */
    uint64_t ignored; /* signals 1 to 64, bit n-1, that the server ignores from its start */
};

struct keeper {
    pid_t pid;    /* of the keeper */
    pid_t server; /* what will be the server, as soon as it is let go; not a child of ours */
    int socket;   /* readable when there is a report; at its end when the keeper has gone */
};

/*
 * Forks the keeper and under it the process that will execute the server, and returns when both
 * exist: the latter waits for keeper_go(), so that it can be traced first. The caller waits for
 * keeper->pid (SIGCHLD) when it has ended, and closes keeper->socket. It has 0, 1 and 2 open, and
 * whatever the plan names: else -EBADF. -ENOENT if /proc is not mounted or not that of this pid
 * namespace. The server has a process group of its own; the keeper stays in the caller's.
 */
int keeper_start(const struct keeper_plan *plan, struct keeper *keeper);

/* Orders; -EPIPE if the keeper has gone. */
int keeper_go(const struct keeper *keeper);
int keeper_signal(const struct keeper *keeper, int signal); /* to what stands right below it */
int keeper_kill(const struct keeper *keeper);               /* SIGKILL to everything below it */

/*
 * Seals every task of the tree as `account`: answered by KEEPER_SEALED. `private_directory` (or
 * NULL) is given to the account with all that is in it. `channel`, or NULL: the supervisor's end of
 * the instance's channel, which the keeper hears from now on, and the keeper's end of the one by
 * which it hands on what may be asked; both stay the caller's to close.
 */
int keeper_seal(const struct keeper *keeper, const struct account *account,
    const char *private_directory, const int channel[2]);

enum keeper_report_kind {
    KEEPER_NOT_EXECUTED, /* execve failed: `error`; KEEPER_ENDED follows */
    KEEPER_SEALED,       /* error 0; else the tree is being killed, `text` says why */
    KEEPER_SERVER_ENDED, /* the process that was executed: `status`; others may live (daemons) */
    KEEPER_ENDED,        /* nothing is left: `status` of what was executed, `text` the last line */
};

struct keeper_report {
    uint32_t kind; /* enum keeper_report_kind */
    int32_t error;
    int32_t status; /* as waitpid(2) gives it */
    char text[256]; /* the last line of stderr, cut, without control characters */
};

/* Takes one report without waiting: 0, -EAGAIN, or -ECONNRESET when there will be none any more. */
int keeper_receive(const struct keeper *keeper, struct keeper_report *report);
