#include "credentials/tracee.h"

#include "cleanup.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VDSO_SIZE = 16384, SYSCALL_STOP = SIGTRAP | 0x80, RED_ZONE = 128, PAGE = 4096 };

/* ---- the machine ----------------------------------------------------------------------------- */

#if defined(__x86_64__)

static const unsigned char syscall_instruction[] = {0x0f, 0x05};
enum { INSTRUCTION_ALIGNMENT = 1, USER_CODE_64 = 0x33 };
#define PROGRAM_COUNTER rip
#define STACK_POINTER rsp
#define RESULT rax

static bool is_64_bit(const struct user_regs_struct *registers)
{
    return registers->cs == USER_CODE_64;
}

static void set_call(
    struct user_regs_struct *registers, long number, long a, long b, long c, long d, long e)
{
    registers->orig_rax = (unsigned long)-1; /* the call it was in is not restarted now */
    registers->rax = (unsigned long)number;
    registers->rdi = (unsigned long)a;
    registers->rsi = (unsigned long)b;
    registers->rdx = (unsigned long)c;
    registers->r10 = (unsigned long)d;
    registers->r8 = (unsigned long)e;
}

static int forget_call(pid_t tid)
{
    (void)tid;
    return 0;
}

#elif defined(__aarch64__)

static const unsigned char syscall_instruction[] = {0x01, 0x00, 0x00, 0xd4};
enum { INSTRUCTION_ALIGNMENT = 4 };
#define PROGRAM_COUNTER pc
#define STACK_POINTER sp
#define RESULT regs[0]

static bool is_64_bit(const struct user_regs_struct *registers)
{
    return (registers->pstate & 0x10) == 0;
}

static void set_call(
    struct user_regs_struct *registers, long number, long a, long b, long c, long d, long e)
{
    registers->regs[8] = (unsigned long)number;
    registers->regs[0] = (unsigned long)a;
    registers->regs[1] = (unsigned long)b;
    registers->regs[2] = (unsigned long)c;
    registers->regs[3] = (unsigned long)d;
    registers->regs[4] = (unsigned long)e;
}

/* The kernel has set the program counter back already, if the call it was in is to be restarted. */
static int forget_call(pid_t tid)
{
    int none = -1;
    struct iovec part = {&none, sizeof none};

    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &part) < 0 ? -errno : 0;
}

#endif

/* ---- registers, mask and memory -------------------------------------------------------------- */

static int get_registers(pid_t tid, struct user_regs_struct *registers)
{
    struct iovec part = {registers, sizeof *registers};

    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &part) < 0)
        return -errno;
    return part.iov_len == sizeof *registers && is_64_bit(registers) ? 0 : -ENOEXEC;
}

static int set_registers(pid_t tid, struct user_regs_struct *registers)
{
    struct iovec part = {registers, sizeof *registers};

    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &part) < 0 ? -errno : 0;
}

static int set_mask(pid_t tid, uint64_t mask)
{
    return ptrace(PTRACE_SETSIGMASK, tid, sizeof mask, &mask) < 0 ? -errno : 0;
}

/* As many bytes as there are, or -errno. */
static ssize_t read_memory(pid_t tid, uintptr_t address, void *bytes, size_t size)
{
    struct iovec here = {bytes, size}, there = {(void *)address, size};
    ssize_t got = process_vm_readv(tid, &here, 1, &there, 1, 0);

    return got < 0 ? -errno : got;
}

static int read_all(pid_t tid, uintptr_t address, void *bytes, size_t size)
{
    ssize_t got = read_memory(tid, address, bytes, size);

    return got < 0 ? (int)got : (size_t)got == size ? 0 : -EFAULT;
}

static int write_all(pid_t tid, uintptr_t address, const void *bytes, size_t size)
{
    struct iovec here = {(void *)bytes, size}, there = {(void *)address, size};
    ssize_t put = process_vm_writev(tid, &here, 1, &there, 1, 0);

    return put < 0 ? -errno : (size_t)put == size ? 0 : -EFAULT;
}

/* ---- an instruction that makes a system call ------------------------------------------------- */

/* Where the kernel's own code begins in the task, from its auxiliary vector; 0 if it has none. */
static uintptr_t find_vdso(pid_t tid)
{
    unsigned long vector[2 * 64];
    char path[64];
    ssize_t size;
    cleanup_descriptor int file = -1;

    snprintf(path, sizeof path, "/proc/%d/auxv", (int)tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    size = file < 0 ? 0 : kernel_read(file, vector, sizeof vector);
    for (ssize_t i = 0; 2 * (i + 1) * (ssize_t)sizeof vector[0] <= size; i++) {
        if (vector[2 * i] == AT_SYSINFO_EHDR)
            return vector[2 * i + 1];
    }
    return 0;
}

static bool is_instruction(pid_t tid, uintptr_t address)
{
    unsigned char there[sizeof syscall_instruction];

    return read_all(tid, address, there, sizeof there) == 0 &&
           memcmp(there, syscall_instruction, sizeof there) == 0;
}

/* The vdso is the same in all tasks, but for where it lies: the offset is remembered. */
static uintptr_t find_in_vdso(pid_t tid, uintptr_t vdso)
{
    static size_t known;
    static unsigned char code[VDSO_SIZE];
    ssize_t size;

    if (known != 0 && is_instruction(tid, vdso + known))
        return vdso + known;
    size = read_memory(tid, vdso, code, sizeof code);
    for (ssize_t at = 0; at + (ssize_t)sizeof syscall_instruction <= size;
         at += INSTRUCTION_ALIGNMENT) {
        if (memcmp(code + at, syscall_instruction, sizeof syscall_instruction) == 0) {
            known = (size_t)at;
            return vdso + known;
        }
    }
    return 0;
}

/* A task without vdso can help itself if it waits in a system call: by the instruction it did. */
static int find_instruction(struct tracee *tracee)
{
    uintptr_t vdso = find_vdso(tracee->tid);
    uintptr_t last = tracee->registers.PROGRAM_COUNTER - sizeof syscall_instruction;

    tracee->instruction = vdso != 0 ? find_in_vdso(tracee->tid, vdso) : 0;
    if (tracee->instruction == 0 && is_instruction(tracee->tid, last))
        tracee->instruction = last;
    return tracee->instruction != 0 ? 0 : -ENOEXEC;
}

/* ---- restartable sequences ------------------------------------------------------------------- */

/* The kernel's, include/uapi/linux/ptrace.h and rseq.h; not in every libc. */
#define GET_RSEQ_CONFIGURATION ((enum __ptrace_request)0x420f)
enum { RSEQ_CS_OFFSET = 8 };

struct rseq_configuration {
    uint64_t area;
    uint32_t size, signature, flags, padding;
};

struct critical_section {
    uint32_t version, flags;
    uint64_t start, length, abort;
};

/*
 * A task that was interrupted in a critical section of rseq(2) has to leave it by its abort
 * address. The kernel sees to that when the task goes on, but by the program counter of then: ours.
 */
static void leave_critical_section(struct tracee *tracee)
{
    struct rseq_configuration rseq = {0};
    struct critical_section section;
    uint64_t address = 0;

    if (ptrace(GET_RSEQ_CONFIGURATION, tracee->tid, sizeof rseq, &rseq) < 0 || rseq.area == 0 ||
        read_all(tracee->tid, rseq.area + RSEQ_CS_OFFSET, &address, sizeof address) < 0 ||
        address == 0 || read_all(tracee->tid, address, &section, sizeof section) < 0)
        return;
    if (tracee->registers.PROGRAM_COUNTER - section.start < section.length)
        tracee->registers.PROGRAM_COUNTER = section.abort;
}

/* ---- the interface --------------------------------------------------------------------------- */

int tracee_begin(struct tracee *tracee, pid_t tid)
{
    int error;

    tracee->tid = tid;
    tracee->instruction = 0;
    tracee->loan_size = 0;
    error = get_registers(tid, &tracee->registers);
    if (error == 0 && tracee->registers.PROGRAM_COUNTER == 0 &&
        tracee->registers.STACK_POINTER == 0)
        error = -ENOEXEC;
    if (error == 0)
        error = find_instruction(tracee);
    if (error == 0 && ptrace(PTRACE_GETSIGMASK, tid, sizeof tracee->mask, &tracee->mask) < 0)
        error = -errno;
    if (error == 0)
        error = set_mask(tid, ~(uint64_t)0);
    if (error == 0)
        leave_critical_section(tracee);
    else
        tracee->instruction = 0; /* nothing was changed */
    return error;
}

int tracee_end(struct tracee *tracee)
{
    int error = 0, result;

    if (tracee->instruction == 0)
        return 0;
    if (tracee->loan_size > 0)
        error = write_all(tracee->tid, tracee->loan, tracee->covered, tracee->loan_size);
    result = set_registers(tracee->tid, &tracee->registers);
    error = error < 0 ? error : result;
    result = set_mask(tracee->tid, tracee->mask);
    return error < 0 ? error : result;
}

/* Takes the memory at `address` for the loan, if it can be written. */
static int borrow(struct tracee *tracee, uintptr_t address, const void *bytes, size_t size)
{
    int error = read_all(tracee->tid, address, tracee->covered, size);

    if (error == 0)
        error = write_all(tracee->tid, address, bytes, size);
    if (error == 0) {
        tracee->loan = address;
        tracee->loan_size = size;
    }
    return error;
}

/* Any private memory of the task that can be written, for one whose stack has no room. */
static int borrow_elsewhere(struct tracee *tracee, const void *bytes, size_t size)
{
    char path[64], line[512], mode[5];
    unsigned long begin, end;
    FILE *maps;
    int error = -EFAULT;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)tracee->tid);
    maps = fopen(path, "re");
    if (!maps)
        return -errno;
    while (error == -EFAULT && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, mode) == 3 && strcmp(mode, "rw-p") == 0 &&
            end - begin >= size)
            error = borrow(tracee, begin, bytes, size);
    }
    fclose(maps);
    return error;
}

int tracee_lend(struct tracee *tracee, const void *bytes, size_t size)
{
    uintptr_t address = (tracee->registers.STACK_POINTER - RED_ZONE - size) & ~(uintptr_t)63;
    int error;

    if (size > sizeof tracee->covered)
        return -E2BIG;
    error = borrow(tracee, address, bytes, size);
    return error == -EFAULT ? borrow_elsewhere(tracee, bytes, size) : error;
}

int tracee_read(const struct tracee *tracee, size_t offset, void *bytes, size_t size)
{
    return read_all(tracee->tid, tracee->loan + offset, bytes, size);
}

/*
 * Lets it go on to the next entry or exit of a system call. Of the rest only SIGSTOP and what the
 * kernel forces can come up: the one is passed on, to take effect when we let go, the other ends
 * it.
 */
static int run_to_stop(pid_t tid)
{
    int signal = 0;

    for (;;) {
        siginfo_t information = {0};

        if (ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)signal) < 0)
            return -errno;
        while (waitid(P_PID, (id_t)tid, &information, WSTOPPED | __WALL) < 0) {
            if (errno != EINTR)
                return -ESRCH;
        }
        if (information.si_status == SYSCALL_STOP)
            return 0;
        signal = information.si_status >> 8 == 0 ? information.si_status : 0;
    }
}

long tracee_call(struct tracee *tracee, long number, long a, long b, long c, long d, long e)
{
    struct user_regs_struct registers = tracee->registers;
    int error;

    registers.PROGRAM_COUNTER = tracee->instruction;
    set_call(&registers, number, a, b, c, d, e);
    error = set_registers(tracee->tid, &registers);
    if (error == 0)
        error = forget_call(tracee->tid);
    if (error == 0)
        error = run_to_stop(tracee->tid); /* at its entry */
    if (error == 0)
        error = run_to_stop(tracee->tid); /* and at its exit */
    if (error == 0)
        error = get_registers(tracee->tid, &registers);
    return error < 0 ? error : (long)registers.RESULT;
}
