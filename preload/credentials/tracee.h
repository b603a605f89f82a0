/*
 * tracee.h: private to credentials/outside.c: system calls that a stopped task makes for us.
 *
 * Invariant: between tracee_begin() and tracee_end() the task executes nothing of its own and takes
 * no signal but SIGKILL and SIGSTOP; afterwards its registers, its memory and its signal mask are
 * as they were, and what it was waiting in goes on or fails as after any stop.
 *
 * The caller is its tracer by PTRACE_SEIZE with PTRACE_O_TRACESYSGOOD; it stands in a
 * PTRACE_EVENT_STOP. A step over one instruction would be one stop fewer a call, but tells of
 * itself by a SIGTRAP, for which the kernel resets the task's handling of that signal where it is
 * ignored. So the calls are watched at their entry and exit.
 *
 * Functions return 0 or -errno; -ESRCH: the task has ended.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { TRACEE_MAX_LOAN = 4352 }; /* 1,024 groups and what little goes with them */

struct tracee {
    pid_t tid;
    struct user_regs_struct registers; /* what it will go on with */
    uint64_t mask;
    uintptr_t instruction; /* of its code: one that makes a system call */
    uintptr_t loan;        /* its memory that we use, and what was there */
    size_t loan_size;
    unsigned char covered[TRACEE_MAX_LOAN];
};

/* -ENOEXEC if it is no 64-bit task of this machine, or runs no code of its own (io_uring). */
int tracee_begin(struct tracee *tracee, pid_t tid);

/* Also after an error. The task stays stopped. */
int tracee_end(struct tracee *tracee);

/* Once: puts the bytes into memory of the task, where they stay until the end. */
int tracee_lend(struct tracee *tracee, const void *bytes, size_t size);

/* What the loan holds `offset` bytes from its beginning. */
int tracee_read(const struct tracee *tracee, size_t offset, void *bytes, size_t size);

/* What the call returned, or -errno. */
long tracee_call(struct tracee *tracee, long number, long a, long b, long c, long d, long e);
