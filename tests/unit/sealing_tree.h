/*
 * sealing_tree.h: what the tests of sealing share: a tree of processes below a test.
 *
 * Every test is a process of its own, the subreaper of the tree below it; what it asks the kernel,
 * it asks by itself and not by what it tests. Who finds something wrong, test or tree, says where
 * on stderr and ends with 1, which fails the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/account.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum { ALICE = 1001, CAROL = 1003, STAFF = 2001, GUARD = 61500 };

/* The account that seal() makes of a tree. */
extern const struct account alice;

_Noreturn void tree_fail(const char *file, int line, const char *condition);
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            tree_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)

/* A test for cmocka's table: `body` in a child, which leaves nothing behind. */
void tree_test(void (*body)(void));
#define TREE_TEST(name, body)                                                                      \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        tree_test(body);                                                                           \
    }

/* Two pipes that a test has in common with all below it. */
struct tree_pipes {
    int go[2];    /* a byte a reader */
    int ready[2]; /* a byte a process that is set up */
};
extern struct tree_pipes tree_pipes;

void take_bytes(int descriptor, int count); /* waits for each */
void give_bytes(int descriptor, int count);
void await_go(void);

/* For the tree: waits for go and is alice by then, for good. */
void read_pipe(void);

/* For signal(2). */
extern volatile sig_atomic_t caught;
void catch_signal(int signal);

/* Forks `body`; it is killed with the test. */
pid_t start(void (*body)(void));

/*
 * The same, and returns when it has come to this system call. Nothing tells that a task sleeps; but
 * its tracer is told of each call before it is made. It is let go there, untraced: whatever comes,
 * it executes nothing of its own before it has waited in the call, or was interrupted in it.
 */
pid_t start_to(void (*body)(void), long call);

/* Returns when a task that runs, or that was interrupted somewhere, comes to this system call. */
void await_call(pid_t tid, long call);

/* Has a SIGSTOP stopped it, and nothing continued it? */
bool is_stopped(pid_t pid);

/*
 * Waits for the end of a child, which must be an exit with 0; and, as a keeper does, for whatever
 * else ends: the parent of what ended while it was traced hears of that only then.
 */
void must_end_well(pid_t child);

/* Seals all below as alice, and looks at every task. Returns how many there are. */
int seal(void);
