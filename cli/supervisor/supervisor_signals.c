/*
 * supervisor_signals.c: what people and service managers send goes to every instance; the children
 * of the supervisor.
 */
#include "instance.h"
#include "instance_tmp.h"
#include "notify.h"
#include "process_tree.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int forwarded[] = {
    SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGINT, SIGTERM, SIGQUIT}; /* the last three end it */

static bool is_keeper(const struct supervisor *supervisor, pid_t pid)
{
    for (const struct instance *i = supervisor->instances; i; i = i->next)
        if (i->keeper.pid == pid)
            return true;
    return false;
}

/* Not waited for yet, a child's number is nobody else's. */
static int end_orphan(pid_t pid, void *context)
{
    const struct supervisor *supervisor = context;

    if (!is_keeper(supervisor, pid) && waitpid(pid, NULL, WNOHANG) == 0 &&
        !instance_tmp_is_remover(pid))
        kill(pid, SIGKILL);
    return 0;
}

/*
 * The children of ours that are no keepers were a lost keeper's: they end, and theirs come to us.
 * Of our own children alone: what is below a keeper is the keeper's, however much that is.
 */
static void end_orphans(struct supervisor *supervisor)
{
    process_children_visit(getpid(), end_orphan, supervisor);
}

static void forward(struct supervisor *supervisor, int signal)
{
    if (signal == SIGHUP)
        notify_reloading();
    for (struct instance *i = supervisor->instances; i; i = i->next)
        instance_signal(i, signal);
    if (signal == SIGHUP && supervisor->was_ready)
        notify_ready();
}

static bool is_forwarded(int signal)
{
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++)
        if (forwarded[i] == signal)
            return true;
    return false;
}

void supervisor_take_signal(struct supervisor *supervisor, int signal)
{
    bool ends = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;

    if (!is_forwarded(signal))
        return;
    if (ends && !supervisor->stopping)
        supervisor_stop(supervisor, signal);
    else
        forward(supervisor, signal);
}

static void child_changed(struct supervisor *supervisor)
{
    for (struct instance *i = supervisor->instances; i; i = i->next)
        instance_check_loading(i, true);
    main_process_changed(supervisor);
    end_orphans(supervisor);
}

static void signals_ready(void *context, uint32_t events)
{
    struct supervisor *supervisor = context;
    struct signalfd_siginfo information;

    (void)events;
    while (read(supervisor->signals.descriptor, &information, sizeof information) > 0) {
        if (information.ssi_signo == SIGCHLD)
            child_changed(supervisor);
        else if (information.ssi_signo == SIGHUP && information.ssi_code == SI_KERNEL)
            supervisor_stop(supervisor, SIGTERM); /* its terminal has gone */
        else
            supervisor_take_signal(supervisor, (int)information.ssi_signo);
    }
}

int supervisor_open_signals(struct supervisor *supervisor)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; !supervisor->plan->run && i < sizeof forwarded / sizeof forwarded[0]; i++)
        sigaddset(&set, forwarded[i]);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    supervisor->signals =
        (struct source){.descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
            .events = EPOLLIN,
            .ready = signals_ready,
            .context = supervisor};
    return supervisor->signals.descriptor < 0 ? -errno
                                              : loop_add(&supervisor->loop, &supervisor->signals);
}
