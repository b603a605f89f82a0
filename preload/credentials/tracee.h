/*
 * tracee.h: private to credentials/outside.c: system calls that a stopped task makes for us.
 *
 * Invariant: between tracee_begin() and tracee_end() the task executes nothing of its own and takes
 * no signal but SIGKILL and SIGSTOP; afterwards its registers, its memory, its signal mask and what
 * it does on signals are as they were, and what it was waiting in goes on or fails as after any
 * stop.
 *
 * The caller is its tracer by PTRACE_SEIZE with PTRACE_O_TRACESYSGOOD; it stands in a
 * PTRACE_EVENT_STOP, and whatever shares its memory is stopped: it could change what the task does.
 *
 * Functions return 0 or -errno; -ESRCH: the task has ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { TRACEE_MAX_LOAN = 5120 }; /* 1,024 groups, and a table of calls */

struct tracee {
    pid_t tid;
    struct user_regs_struct registers; /* what it will go on with */
    uint64_t mask;
    bool changed;    /* its mask and registers are not its own */
    bool heard_trap; /* somebody sent it a SIGTRAP meanwhile */
    uintptr_t vdso;  /* the kernel's own code in it; 0 if it has none */
    uintptr_t loan;  /* its memory that we use, and what was there */
    size_t loan_size;
    unsigned char covered[TRACEE_MAX_LOAN];
};

/* Has the stop interrupted it in a call in which it waited? Changes nothing. */
bool tracee_waits(pid_t tid);

/* -ENOEXEC if it is no 64-bit task of this machine, or runs no code of its own (io_uring). */
int tracee_begin(struct tracee *tracee, pid_t tid);

/* Also after an error. The task stays stopped. */
int tracee_end(struct tracee *tracee);

/* Once: `size` bytes of the task's memory, at tracee->loan, are ours until the end. */
int tracee_borrow(struct tracee *tracee, size_t size);

struct tracee_call {
    long number, arguments[5];
    long result; /* or -errno */
};

/*
 * Writes `bytes` to the loan, which begin with `count` calls; the task makes one after the other,
 * whatever they return, and reads each from its memory when it comes to it: one may write an
 * argument of the next. The results are in `calls` afterwards. `trap_is_ignored`: SIGTRAP is, by
 * the task's process.
 */
int tracee_run(struct tracee *tracee, const void *bytes, size_t size, bool trap_is_ignored,
    struct tracee_call calls[], size_t count);
