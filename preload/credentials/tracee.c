#include "credentials/tracee.h"

#include "cleanup.h"
#include "credentials/tracee_machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RED_ZONE = 128, LOAN_ALIGNMENT = 64 };

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

/* ---- what it was doing ----------------------------------------------------------------------- */

bool tracee_waits(pid_t tid)
{
    struct user_regs_struct registers;

    return get_registers(tid, &registers) == 0 && was_waiting(tid, &registers);
}

/* ---- the beginning and the end --------------------------------------------------------------- */

int tracee_begin(struct tracee *tracee, pid_t tid)
{
    int error;

    *tracee = (struct tracee){.tid = tid};
    error = get_registers(tid, &tracee->registers);
    if (error == 0 && tracee->registers.PROGRAM_COUNTER == 0 &&
        tracee->registers.STACK_POINTER == 0)
        error = -ENOEXEC;
    if (error == 0 && ptrace(PTRACE_GETSIGMASK, tid, sizeof tracee->mask, &tracee->mask) < 0)
        error = -errno;
    if (error < 0)
        return error;
    tracee->vdso = find_vdso(tid);
    leave_critical_section(tracee);
    tracee->changed = true;
    return 0;
}

int tracee_end(struct tracee *tracee)
{
    int error = 0, result;

    if (!tracee->changed)
        return 0;
    if (tracee->loan_size > 0)
        error = write_all(tracee->tid, tracee->loan, tracee->covered, tracee->loan_size);
    result = set_registers(tracee->tid, &tracee->registers);
    error = error < 0 ? error : result;
    result = set_mask(tracee->tid, tracee->mask);
    error = error < 0 ? error : result;
    if (tracee->heard_trap)
        kernel_call(SYS_tkill, tracee->tid, SIGTRAP, 0, 0, 0, 0);
    return error;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Takes the memory at `address`, if it can be written: by what it holds already. */
static int borrow_at(struct tracee *tracee, uintptr_t address, size_t size)
{
    int error = read_all(tracee->tid, address, tracee->covered, size);

    if (error == 0)
        error = write_all(tracee->tid, address, tracee->covered, size);
    if (error == 0) {
        tracee->loan = address;
        tracee->loan_size = size;
    }
    return error;
}

/* Any private memory of the task that can be written, for one whose stack has no room. */
static int borrow_elsewhere(struct tracee *tracee, size_t size)
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
            error = borrow_at(tracee, begin, size);
    }
    fclose(maps);
    return error;
}

int tracee_borrow(struct tracee *tracee, size_t size)
{
    uintptr_t below = tracee->registers.STACK_POINTER - RED_ZONE - size;
    int error;

    if (size > sizeof tracee->covered)
        return -E2BIG;
    error = borrow_at(tracee, below & ~(uintptr_t)(LOAN_ALIGNMENT - 1), size);
    return error == -EFAULT ? borrow_elsewhere(tracee, size) : error;
}
