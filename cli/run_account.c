#include "run_account.h"

#include "cleanup.h"
#include "command.h"
#include "notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of descriptors above the three standard ones, numbers that a program may expect to be given. */
enum { HIGHEST_INHERITED = 1024, MOST_INHERITED = 14 };

static int find_descriptors(struct supervisor_plan *plan)
{
    unsigned count = 0;

    for (int number = STDERR_FILENO + 1; number < HIGHEST_INHERITED; number++) {
        int flags = kernel_fcntl(number, F_GETFD, 0);

        if (flags < 0 || flags & FD_CLOEXEC)
            continue;
        if (count == MOST_INHERITED)
            return -E2BIG;
        plan->inherited[count++] = number;
    }
    plan->inherited[count] = -1;
    return 0;
}

int run_account_inherit(struct supervisor_plan *plan)
{
    const char *listener = getenv("LISTEN_PID");

    plan->takes_sockets = listener && atoi(listener) == getpid();
    sigprocmask(SIG_SETMASK, NULL, &plan->mask);
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;

        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            plan->ignored |= UINT64_C(1) << (number - 1);
    }
    if (getrlimit(RLIMIT_NOFILE, &plan->descriptors) < 0)
        return -errno;
    return find_descriptors(plan);
}

void run_account_configure(struct supervisor_plan *plan, const struct run_options *options)
{
    plan->verbose = options->verbose;
    plan->arguments = options->server;
    plan->expand = options->isolate == RUN_ISOLATE_ACCOUNT;
    plan->idle = options->idle;
    plan->max_instances = options->max_instances;
    plan->spares = options->spares;
    plan->stop_timeout = options->stop_timeout;
    plan->instance_tmp = options->instance_tmp;
    plan->notify_inner = -1;
}

/* The server died of it; whoever waits for run is to see the same. */
static void end_by(int number)
{
    sigset_t set;

    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    kernel_call(SYS_prlimit64, 0, RLIMIT_CORE, (long)&(struct rlimit64){0, 0}, 0, 0, 0);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int run_account(struct supervisor_plan *plan)
{
    char notify[128];
    int signal, status;

    if (notify_open()) {
        plan->notify_inner = notify_inner_open(notify, sizeof notify);
        plan->notify = plan->notify_inner >= 0 ? notify : NULL;
    }
    plan->environment = environ;
    status = supervisor_run(plan, &signal);
    descriptor_cleanup(&plan->notify_inner);
    event_log_finish(plan->log);
    if (signal)
        end_by(signal);
    return status;
}
