#include "loading.h"

#include "cleanup.h"
#include "clock.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define PROGRAM_COUNTER rip
#define STACK_POINTER rsp
/* int3; the program counter then stands behind it */
static const unsigned char breakpoint[] = {0xcc};
enum { BREAKPOINT_ADVANCE = 1 };
#elif defined(__aarch64__)
#define PROGRAM_COUNTER pc
#define STACK_POINTER sp
/* brk #0; the program counter stays */
static const unsigned char breakpoint[] = {0x00, 0x00, 0x20, 0xd4};
enum { BREAKPOINT_ADVANCE = 0 };
#endif

enum { WORD = sizeof(long) };

static int get_registers(pid_t pid, struct user_regs_struct *registers)
{
    struct iovec part = {registers, sizeof *registers};

    if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part) < 0)
        return -errno;
    return part.iov_len == sizeof *registers ? 0 : -ENOEXEC; /* a program for another machine */
}

static int set_registers(pid_t pid, struct user_regs_struct *registers)
{
    struct iovec part = {registers, sizeof *registers};

    return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &part) < 0 ? -errno : 0;
}

static int peek(pid_t pid, unsigned long address, long *word)
{
    errno = 0;
    *word = ptrace(PTRACE_PEEKDATA, pid, (void *)address, NULL);
    return -errno;
}

/*
 * Where the program's own code begins, from what execve(2) has just put on its stack: argc, argv,
 * the environment, the auxiliary vector. /proc/PID/auxv has it too, for those who may read it.
 */
static int find_entry(pid_t pid, unsigned long *entry)
{
    struct user_regs_struct registers;
    int error = get_registers(pid, &registers);
    unsigned long at = registers.STACK_POINTER;
    long word = 0, value;

    if (error == 0)
        error = peek(pid, at, &word);
    at += (unsigned long)(word + 2) * WORD;
    do {
        error = error < 0 ? error : peek(pid, at, &word);
        at += WORD;
    } while (error == 0 && word != 0);
    do {
        error = error < 0 ? error : peek(pid, at, &word);
        error = error < 0 ? error : peek(pid, at + WORD, &value);
        at += 2 * WORD;
        if (error == 0 && word == AT_ENTRY) {
            *entry = (unsigned long)value;
            return 0;
        }
    } while (error == 0 && word != AT_NULL);
    return error < 0 ? error : -ENOEXEC;
}

static int plant(struct loading *loading)
{
    unsigned long offset;
    long word;
    int error = find_entry(loading->server, &loading->entry);

    if (error < 0)
        return error;
    offset = loading->entry % WORD;
    if (offset + sizeof breakpoint > WORD)
        return -ENOEXEC;
    error = peek(loading->server, loading->entry - offset, &loading->covered);
    if (error < 0)
        return error;
    word = loading->covered;
    memcpy((char *)&word + offset, breakpoint, sizeof breakpoint);
    if (ptrace(PTRACE_POKETEXT, loading->server, (void *)(loading->entry - offset), word) < 0)
        return -errno;
    return 0;
}

/* Takes the breakpoint away and lets the server go on as if it had never been there. */
static int release(const struct loading *loading)
{
    unsigned long aligned = loading->entry - loading->entry % WORD;
    struct user_regs_struct registers;
    int error = get_registers(loading->server, &registers);

    registers.PROGRAM_COUNTER = loading->entry;
    if (error == 0 &&
        ptrace(PTRACE_POKETEXT, loading->server, (void *)aligned, loading->covered) < 0)
        error = -errno;
    if (error == 0)
        error = set_registers(loading->server, &registers);
    if (error == 0 && ptrace(PTRACE_DETACH, loading->server, NULL, NULL) < 0)
        error = -errno;
    return error;
}

static bool is_at_breakpoint(const struct loading *loading)
{
    struct user_regs_struct registers;

    return loading->entry && get_registers(loading->server, &registers) == 0 &&
           registers.PROGRAM_COUNTER == loading->entry + BREAKPOINT_ADVANCE;
}

/* What can be found out about it afterwards. */
static const char *why_not_loaded(const struct loading *loading)
{
    struct statvfs filesystem;
    cleanup_descriptor int library = open(loading->library, O_RDONLY | O_CLOEXEC);

    if (library < 0 && errno != EACCES)
        return "it has gone from its place";
    if (statvfs(loading->library, &filesystem) == 0 && (filesystem.f_flag & ST_NOEXEC))
        return "its file system is mounted noexec now";
    return "the program's loader ignored it, or it is broken";
}

/* The server must not execute one instruction more. First the line, for whoever waits for its end.
 */
static void end_server(struct loading *loading, struct resolver *resolver, const char *when)
{
    char text[256];

    snprintf(text, sizeof text,
        "server %d was executed but libwsapeer-preload.so was not loaded (%s): %s",
        (int)loading->server, why_not_loaded(loading), when);
    event_log_notice(resolver->log, "not-loaded", loading->server, text);
    if (syscall(SYS_pidfd_send_signal, loading->process, SIGKILL, NULL, 0) < 0 && loading->traced)
        ptrace(PTRACE_CONT, loading->server, NULL, (void *)SIGKILL);
    loading->state = LOADING_OVER;
}

/* Without a tracer it is a matter of time from here. */
static void trace_no_longer(struct loading *loading)
{
    loading->traced = false;
    loading->deadline = clock_now() + LOADING_GRACE_MS;
    ptrace(PTRACE_DETACH, loading->server, NULL, NULL);
}

static void resume(const struct loading *loading, int signal)
{
    ptrace(PTRACE_CONT, loading->server, NULL, (void *)(long)signal);
}

static void judge_breakpoint(struct loading *loading, struct resolver *resolver)
{
    int error;

    resolver_receive(resolver);
    if (!resolver->greeted) {
        end_server(loading, resolver, "killed before it served");
        return;
    }
    error = release(loading);
    if (error == 0)
        loading->state = LOADING_PROVED;
    else if (error != -ESRCH) /* else somebody has just killed it: waitpid will tell */
        end_server(loading, resolver, "killed, because it could not be let go");
}

static bool stops_a_process(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void judge_stop(struct loading *loading, struct resolver *resolver, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (event == PTRACE_EVENT_EXEC) {
        resolver->greeted = false;
        if (plant(loading) == 0)
            resume(loading, 0);
        else
            trace_no_longer(loading);
    } else if (event == PTRACE_EVENT_STOP && stops_a_process(signal)) {
        ptrace(PTRACE_LISTEN, loading->server, NULL, NULL);
    } else if (event != 0) {
        resume(loading, 0);
    } else if (signal == SIGTRAP && is_at_breakpoint(loading)) {
        judge_breakpoint(loading, resolver);
    } else {
        resume(loading, signal);
    }
}

int loading_begin(struct loading *loading, pid_t server, const char *library)
{
    const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

    *loading = (struct loading){.server = server, .library = library};
    loading->process = (int)syscall(SYS_pidfd_open, server, 0);
    if (loading->process < 0)
        return -errno;
    loading->traced = ptrace(PTRACE_SEIZE, server, NULL, (void *)options) == 0;
    return 0;
}

void loading_executed(struct loading *loading)
{
    if (loading->state == LOADING_WAITS && !loading->traced && !loading->deadline)
        loading->deadline = clock_now() + LOADING_GRACE_MS;
}

void loading_child_changed(struct loading *loading, struct resolver *resolver)
{
    int status;

    while (waitpid(loading->server, &status, __WALL | WNOHANG) > 0) {
        if (WIFSTOPPED(status)) {
            judge_stop(loading, resolver, status);
        } else {
            loading->traced = false;
            loading->state = LOADING_OVER;
        }
    }
}

void loading_check(struct loading *loading, struct resolver *resolver)
{
    if (loading->state != LOADING_WAITS || loading->traced)
        return;
    if (resolver->greeted)
        loading->state = LOADING_PROVED;
    else if (loading->deadline && clock_now() >= loading->deadline)
        end_server(loading, resolver, "killed, because it had not greeted after 3 s");
}

void loading_end(struct loading *loading)
{
    int status;

    if (!loading->traced || loading->entry)
        return;
    if (ptrace(PTRACE_INTERRUPT, loading->server, NULL, NULL) == 0 &&
        waitpid(loading->server, &status, __WALL) > 0 && WIFSTOPPED(status) && status >> 16 == 0)
        ptrace(PTRACE_DETACH, loading->server, NULL, (void *)(long)WSTOPSIG(status));
    else
        ptrace(PTRACE_DETACH, loading->server, NULL, NULL);
}

int loading_timeout(const struct loading *loading)
{
    int64_t left = loading->deadline - clock_now();

    if (loading->state != LOADING_WAITS || loading->traced || !loading->deadline)
        return -1;
    return left > 0 ? (int)left : 0;
}
