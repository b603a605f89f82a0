/* keeper_server.c: from a fork of the keeper to the server. */
#include "cleanup.h"
#include "command.h"
#include "descriptors.h"
#include "keeper_process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUT_OF_MEMORY_PENALTY = 100, OUT_OF_MEMORY_MAX = 1000 };

size_t keeper_count_inherited(const struct keeper_plan *plan)
{
    size_t count = 0;

    while (
        count < sizeof plan->inherited / sizeof plan->inherited[0] && plan->inherited[count] >= 0)
        count++;
    return count;
}

/*
 * 0 is nothing, so that no instance reads from whoever started the service; `pipes` become 1 and 2;
 * those of the plan live on, and `control` till exec.
 */
static int take_descriptors(const struct keeper_plan *plan, int control, const int pipes[2])
{
    cleanup_descriptor int null = kernel_openat(AT_FDCWD, "/dev/null", O_RDWR);
    int keep[sizeof plan->inherited / sizeof plan->inherited[0] + 1] = {control};
    size_t count = keeper_count_inherited(plan);

    if (null < 0)
        return null;
    if (dup2(null, STDIN_FILENO) < 0 || dup2(pipes[0], STDOUT_FILENO) < 0 ||
        dup2(pipes[1], STDERR_FILENO) < 0)
        return -errno;
    kernel_close(descriptor_steal(&null));
    for (size_t i = 0; i < count; i++) {
        if (fcntl(plan->inherited[i], F_SETFD, 0) < 0)
            return -errno;
        keep[i + 1] = plan->inherited[i];
    }
    return descriptors_close_others(keep, count + 1);
}

/* When memory is short an instance goes first, not the supervisor of all. */
static void volunteer_for_death(void)
{
    char text[24] = "";
    long adjustment;
    cleanup_descriptor int file = kernel_openat(AT_FDCWD, "/proc/self/oom_score_adj", O_RDWR);

    if (file < 0 || kernel_read(file, text, sizeof text - 1) <= 0)
        return;
    adjustment = strtol(text, NULL, 10) + OUT_OF_MEMORY_PENALTY;
    if (adjustment > OUT_OF_MEMORY_MAX)
        adjustment = OUT_OF_MEMORY_MAX;
    snprintf(text, sizeof text, "%ld", adjustment);
    kernel_call(SYS_pwrite64, file, (long)text, (long)strlen(text), 0, 0, 0);
}

static void set_signals(const struct keeper_plan *plan)
{
    for (int number = 1; number <= 64; number++)
        signal(number, plan->ignored & (uint64_t)1 << (number - 1) ? SIG_IGN : SIG_DFL);
    sigprocmask(SIG_SETMASK, &plan->mask, NULL);
}

static int prepare(const struct keeper_plan *plan, int control, const int pipes[2])
{
    int error;

    /* No terminal: its signals are for the supervisor, which passes them on, and its owner's input
     * is for nobody here. */
    setsid();
    error = take_descriptors(plan, control, pipes);
    if (error < 0)
        return error;
    volunteer_for_death();
    if (setrlimit(RLIMIT_NOFILE, &plan->descriptors) < 0)
        return -errno;
    set_signals(plan);
    return 0;
}

/*
 * The listening sockets that a service manager gave to `run` are the server's (sd_listen_fds(3)),
 * which looks whether it is the process that is named. By number: the newer LISTEN_PIDFDID goes.
 */
static char *const *name_as_listener(char *const *environment)
{
    static char name[32];
    size_t count = 0;
    char **made, **end;

    while (environment[count])
        count++;
    made = end = calloc(count + 1, sizeof *made);
    if (!made)
        return environment; /* a server without its sockets, that says so */
    snprintf(name, sizeof name, "LISTEN_PID=%d", (int)kernel_getpid());
    for (; *environment; environment++) {
        bool is_name = strncmp(*environment, name, strlen("LISTEN_PID=")) == 0;

        if (strncmp(*environment, "LISTEN_PIDFDID=", strlen("LISTEN_PIDFDID=")) != 0)
            *end++ = is_name ? name : *environment;
    }
    return made;
}

void keeper_become_server(const struct keeper_plan *plan, int control, const int pipes[2])
{
    int error = prepare(plan, control, pipes);
    ssize_t size;
    char go;

    do {
        size = kernel_read(control, &go, 1);
    } while (size == -EINTR);
    if (size != 1)
        _exit(EXIT_FAILED);
    if (error == 0) {
        execve(plan->program, plan->arguments,
            plan->takes_sockets ? name_as_listener(plan->environment) : plan->environment);
        error = -errno;
    }
    kernel_sendto(control, &error, sizeof error, MSG_NOSIGNAL, NULL, 0);
    _exit(error == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}
