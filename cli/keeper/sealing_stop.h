/*
 * sealing_stop.h: private to sealing*.c: what is traced, and how all of it is stopped.
 *
 * Invariant: what is in the list is traced by us, or has just ended. After sealing_stop_all()
 * returned 0, nothing below the calling process runs or can be born, but for those in TASK_LEFT:
 * these execute nothing before they stop.
 *
 * One keeper, one thread: one list. Functions return 0 or -errno, with the reason in sealing.text.
 */
#pragma once

#include "sealing.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum task_state {
    TASK_INTERRUPTED, /* is to stop */
    TASK_STOPPED,
    TASK_LEFT, /* in vfork(2): stops when its child has gone on */
};

struct task {
    pid_t pid, tid; /* one number twice where the process is not known: a newborn */
    enum task_state state;
    bool held;        /* stopped by a SIGSTOP or the like, before us */
    unsigned glances; /* how often it was seen in vfork */
};

struct sealing {
    struct account account;
    struct task *tasks; /* all that we trace */
    size_t count, capacity;
    size_t interrupted, left; /* how many are in these states */
    bool grew;                /* the look has found something that was new, or is no more */
    size_t zombies;           /* what the look has found of those, and a sum of their numbers */
    uint64_t zombies_numbers;
    sealing_look *look;
    void *context;
    char *text;
    size_t size;
};

extern struct sealing sealing;

/* Writes "process PID (NAME) WHAT: ERROR" to sealing.text and returns `error`. */
int sealing_complain(pid_t pid, int error, const char *what);

/* The list is one shorter: its last task stands in the place of this one. */
void sealing_forget(struct task *task);

/* A stopped task goes on, traced, and is TASK_INTERRUPTED. */
void sealing_go_on(struct task *task);

/* Takes note of what has stopped, without waiting, and has what goes on stop. */
int sealing_interrupt(void);

/* Is it a zombie, or no more? */
bool sealing_has_ended(pid_t pid, pid_t tid);

/* Stops everything below the calling process, within five seconds. SIGCHLD must be blocked. */
int sealing_stop_all(void);
