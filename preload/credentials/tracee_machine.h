/*
 * tracee_machine.h: private to credentials/tracee*.c: registers, code and memory of a stopped task.
 *
 * Functions return 0 or -errno.
 */
#pragma once

#include "credentials/tracee.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static inline int read_all(pid_t tid, uintptr_t address, void *bytes, size_t size);

#if defined(__x86_64__)

#define PROGRAM_COUNTER rip
#define STACK_POINTER rsp
#define RESULT rax

static const unsigned char syscall_instruction[] = {0x0f, 0x05};
enum { INSTRUCTION_ALIGNMENT = 1, USER_CODE_64 = 0x33 };

static inline bool is_64_bit(const struct user_regs_struct *registers)
{
    return registers->cs == USER_CODE_64;
}

static inline void set_call(struct user_regs_struct *registers, const struct tracee_call *call)
{
    registers->orig_rax = (unsigned long)-1; /* the call it was in is not restarted now */
    registers->rax = (unsigned long)call->number;
    registers->rdi = (unsigned long)call->arguments[0];
    registers->rsi = (unsigned long)call->arguments[1];
    registers->rdx = (unsigned long)call->arguments[2];
    registers->r10 = (unsigned long)call->arguments[3];
    registers->r8 = (unsigned long)call->arguments[4];
}

static inline int forget_call(pid_t tid)
{
    (void)tid;
    return 0;
}

/* The result of a call that is going to be restarted is the kernel's own affair: errno.h has none.
 */
static inline bool was_waiting(pid_t tid, const struct user_regs_struct *registers)
{
    enum { RESTARTSYS = 512, RESTARTNOINTR = 513, RESTARTNOHAND = 514, RESTART_RESTARTBLOCK = 516 };
    long result = (long)registers->rax;

    (void)tid;
    return (long)registers->orig_rax >= 0 &&
           (result == -EINTR || result == -RESTARTSYS || result == -RESTARTNOINTR ||
               result == -RESTARTNOHAND || result == -RESTART_RESTARTBLOCK);
}

/* Makes the calls from the one at rbx to the one at r12, and stops. */
static const unsigned char runner[] = {
    0x48, 0x8b, 0x03,       /* again: mov (%rbx), %rax */
    0x48, 0x8b, 0x7b, 0x08, /* mov 8(%rbx), %rdi */
    0x48, 0x8b, 0x73, 0x10, /* mov 16(%rbx), %rsi */
    0x48, 0x8b, 0x53, 0x18, /* mov 24(%rbx), %rdx */
    0x4c, 0x8b, 0x53, 0x20, /* mov 32(%rbx), %r10 */
    0x4c, 0x8b, 0x43, 0x28, /* mov 40(%rbx), %r8 */
    0x0f, 0x05,             /* syscall */
    0x48, 0x89, 0x43, 0x30, /* mov %rax, 48(%rbx) */
    0x48, 0x83, 0xc3, 0x38, /* add $56, %rbx */
    0x4c, 0x39, 0xe3,       /* cmp %r12, %rbx */
    0x72, 0xda,             /* jb again */
    0xcc,                   /* int3 */
};
enum { HAS_RUNNER = 1 };

static inline void set_runner(
    struct user_regs_struct *registers, uintptr_t code, uintptr_t first, uintptr_t end)
{
    registers->orig_rax = (unsigned long)-1;
    registers->rip = code;
    registers->rbx = first;
    registers->r12 = end;
}

#elif defined(__aarch64__)

#define PROGRAM_COUNTER pc
#define STACK_POINTER sp
#define RESULT regs[0]

static const unsigned char syscall_instruction[] = {0x01, 0x00, 0x00, 0xd4};
enum { INSTRUCTION_ALIGNMENT = 4 };

static inline bool is_64_bit(const struct user_regs_struct *registers)
{
    return (registers->pstate & 0x10) == 0;
}

static inline void set_call(struct user_regs_struct *registers, const struct tracee_call *call)
{
    registers->regs[8] = (unsigned long)call->number;
    for (int i = 0; i < 5; i++)
        registers->regs[i] = (unsigned long)call->arguments[i];
}

/* The kernel has set the program counter back already, if the call it was in is to be restarted. */
static inline int forget_call(pid_t tid)
{
    int none = -1;
    struct iovec part = {&none, sizeof none};

    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &part) < 0 ? -errno : 0;
}

/*
 * The kernel has forgotten already which call it was. One that is going to be restarted is the next
 * instruction; one that has come back with EINTR was the one before.
 */
static inline bool was_waiting(pid_t tid, const struct user_regs_struct *registers)
{
    enum { SIZE = sizeof syscall_instruction };
    unsigned char around[2 * SIZE];

    return read_all(tid, registers->pc - SIZE, around, sizeof around) == 0 &&
           (memcmp(around + SIZE, syscall_instruction, SIZE) == 0 ||
               ((long)registers->regs[0] == -EINTR &&
                   memcmp(around, syscall_instruction, SIZE) == 0));
}

/* Not written yet: one call at a time. */
static const unsigned char runner[1] = {0};
enum { HAS_RUNNER = 0 };

static inline void set_runner(
    struct user_regs_struct *registers, uintptr_t code, uintptr_t first, uintptr_t end)
{
    (void)registers, (void)code, (void)first, (void)end;
}

#endif

static inline int get_registers(pid_t tid, struct user_regs_struct *registers)
{
    struct iovec part = {registers, sizeof *registers};

    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &part) < 0)
        return -errno;
    return part.iov_len == sizeof *registers && is_64_bit(registers) ? 0 : -ENOEXEC;
}

static inline int set_registers(pid_t tid, struct user_regs_struct *registers)
{
    struct iovec part = {registers, sizeof *registers};

    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &part) < 0 ? -errno : 0;
}

static inline int set_mask(pid_t tid, uint64_t mask)
{
    return ptrace(PTRACE_SETSIGMASK, tid, sizeof mask, &mask) < 0 ? -errno : 0;
}

/* As many bytes as there are, or -errno. */
static inline ssize_t read_memory(pid_t tid, uintptr_t address, void *bytes, size_t size)
{
    struct iovec here = {bytes, size}, there = {(void *)address, size};
    ssize_t got = process_vm_readv(tid, &here, 1, &there, 1, 0);

    return got < 0 ? -errno : got;
}

static inline int read_all(pid_t tid, uintptr_t address, void *bytes, size_t size)
{
    ssize_t got = read_memory(tid, address, bytes, size);

    return got < 0 ? (int)got : (size_t)got == size ? 0 : -EFAULT;
}

static inline int write_all(pid_t tid, uintptr_t address, const void *bytes, size_t size)
{
    struct iovec here = {(void *)bytes, size}, there = {(void *)address, size};
    ssize_t put = process_vm_writev(tid, &here, 1, &there, 1, 0);

    return put < 0 ? -errno : (size_t)put == size ? 0 : -EFAULT;
}
