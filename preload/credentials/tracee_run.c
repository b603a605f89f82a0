/*
 * tracee_run.c: how a stopped task makes our system calls.
 *
 * All of them at once, by a few instructions that lie over the beginning of its vdso for the time,
 * where the task never executes anything (it is an ELF header) and nobody reads. They end in a
 * breakpoint, whose SIGTRAP stops the task for us. The kernel would forget that a process ignores
 * SIGTRAP; and a kernel may refuse to write over code. Then one call at a time, by an instruction
 * of the vdso itself, watched at entry and exit.
 */
#include "cleanup.h"
#include "credentials/tracee.h"
#include "credentials/tracee_machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VDSO_SIZE = 16384, SYSCALL_STOP = SIGTRAP | 0x80 };

/*
 * Lets it go on to its next stop, of which *status is what waitid(2) says. Stops by which somebody
 * else stops it are passed on, to take effect when we let go.
 */
static int go_on(pid_t tid, int how, int *status)
{
    int signal = 0;

    do {
        siginfo_t information = {0};

        if (ptrace((enum __ptrace_request)how, tid, NULL, (void *)(long)signal) < 0)
            return -errno;
        while (waitid(P_PID, (id_t)tid, &information, WSTOPPED | __WALL) < 0) {
            if (errno != EINTR)
                return -ESRCH;
        }
        *status = information.si_status;
        signal = *status >> 8 == 0 ? *status : 0;
    } while (*status != SYSCALL_STOP && *status != SIGTRAP);
    return 0;
}

/* ---- one call at a time ---------------------------------------------------------------------- */

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
static uintptr_t find_instruction(const struct tracee *tracee)
{
    uintptr_t found = tracee->vdso != 0 ? find_in_vdso(tracee->tid, tracee->vdso) : 0;
    uintptr_t last = tracee->registers.PROGRAM_COUNTER - sizeof syscall_instruction;

    return found == 0 && is_instruction(tracee->tid, last) ? last : found;
}

static int to_syscall_stop(pid_t tid)
{
    int status, error;

    do {
        error = go_on(tid, PTRACE_SYSCALL, &status);
    } while (error == 0 && status != SYSCALL_STOP);
    return error;
}

static int run_one(struct tracee *tracee, uintptr_t instruction, struct tracee_call *call)
{
    struct user_regs_struct registers = tracee->registers;
    int error;

    set_call(&registers, call);
    registers.PROGRAM_COUNTER = instruction;
    error = set_registers(tracee->tid, &registers);
    if (error == 0)
        error = forget_call(tracee->tid);
    if (error == 0)
        error = to_syscall_stop(tracee->tid); /* at its entry */
    if (error == 0)
        error = to_syscall_stop(tracee->tid); /* and at its exit */
    if (error == 0)
        error = get_registers(tracee->tid, &registers);
    call->result = (long)registers.RESULT;
    return error;
}

static int run_each(struct tracee *tracee, struct tracee_call calls[], size_t count)
{
    uintptr_t instruction = find_instruction(tracee);
    int error = instruction != 0 ? set_mask(tracee->tid, ~(uint64_t)0) : -ENOEXEC;

    for (size_t i = 0; error == 0 && i < count; i++) {
        error = read_all(tracee->tid, tracee->loan + i * sizeof *calls, &calls[i], sizeof *calls);
        if (error == 0)
            error = run_one(tracee, instruction, &calls[i]);
    }
    return error;
}

/* ---- all at once ----------------------------------------------------------------------------- */

/* To the breakpoint behind the runner. A SIGTRAP of somebody's comes back to the task at the end.
 */
static int to_breakpoint(struct tracee *tracee, uintptr_t end)
{
    struct user_regs_struct registers;
    int status, error;

    for (;;) {
        error = go_on(tracee->tid, PTRACE_CONT, &status);
        if (error == 0)
            error = get_registers(tracee->tid, &registers);
        if (error < 0 || registers.PROGRAM_COUNTER == end)
            return error;
        tracee->heard_trap = true;
    }
}

static int run_over_vdso(struct tracee *tracee, int memory, size_t count)
{
    struct user_regs_struct registers = tracee->registers;
    uintptr_t end = tracee->loan + count * sizeof(struct tracee_call);
    int error;

    if (pwrite(memory, runner, sizeof runner, (off_t)tracee->vdso) != sizeof runner)
        return -ENOTSUP;
    set_runner(&registers, tracee->vdso, tracee->loan, end);
    error = set_mask(tracee->tid, ~((uint64_t)1 << (SIGTRAP - 1)));
    if (error == 0)
        error = set_registers(tracee->tid, &registers);
    return error == 0 ? to_breakpoint(tracee, tracee->vdso + sizeof runner) : error;
}

/* -ENOTSUP: nothing was done. */
static int run_at_once(struct tracee *tracee, struct tracee_call calls[], size_t count)
{
    unsigned char header[sizeof runner];
    char path[64];
    cleanup_descriptor int memory = -1;
    int error;

    if (!HAS_RUNNER || tracee->vdso == 0)
        return -ENOTSUP;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)tracee->tid);
    memory = kernel_openat(AT_FDCWD, path, O_RDWR);
    if (memory < 0 || read_all(tracee->tid, tracee->vdso, header, sizeof header) < 0 ||
        memcmp(header, ELFMAG, SELFMAG) != 0)
        return -ENOTSUP;
    error = run_over_vdso(tracee, memory, count);
    if (pwrite(memory, header, sizeof header, (off_t)tracee->vdso) != sizeof header &&
        error != -ENOTSUP)
        error = error < 0 ? error : -EIO;
    if (error == 0)
        error = read_all(tracee->tid, tracee->loan, calls, count * sizeof *calls);
    return error;
}

int tracee_run(struct tracee *tracee, const void *bytes, size_t size, bool trap_is_ignored,
    struct tracee_call calls[], size_t count)
{
    int error = write_all(tracee->tid, tracee->loan, bytes, size);

    if (error < 0)
        return error;
    error = trap_is_ignored ? -ENOTSUP : run_at_once(tracee, calls, count);
    return error == -ENOTSUP ? run_each(tracee, calls, count) : error;
}
