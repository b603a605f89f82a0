#include "resolver_beside.h"

#include "cleanup.h"
#include "clock.h"
#include "credentials/helper.h"
#include "descriptors.h"
#include "main_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the resolver tells run when it is ready, or that it cannot be. */
struct report {
    int error;
    char what[64];
};

static int ignore_signals(struct beside *beside)
{
    static const int ignored[] = {
        SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTOU, SIGTTIN};
    sigset_t child;

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* run may have inherited SIG_IGN, and stops must be told */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &child, NULL) < 0)
        return -errno;
    beside->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return beside->signals < 0 ? -errno : 0;
}

/* Returns what failed, with the error in *error, or NULL. */
static const char *settle(struct beside *beside, pid_t server, int *error)
{
    prctl(PR_SET_NAME, "wsapeer-resolve");
    prctl(PR_SET_DUMPABLE, 0);
    *error = ignore_signals(beside);
    if (*error < 0)
        return "handle signals";
    *error = loading_begin(&beside->loading, server, beside->plan->library);
    if (*error < 0)
        return "watch the server";
    return beside->decided == ISOLATION_UNDECIDED ? NULL : resolver_leave(beside, error);
}

/* The server is proved to be wrapped, or over: there is nobody left whom we might have to kill. */
static void finish_proof(struct beside *beside)
{
    if (beside->loading.state == LOADING_WAITS || beside->harmless ||
        beside->decided != ISOLATION_SCOPES)
        return;
    credentials_helper_finish();
    beside->harmless = true;
}

static void take_signals(struct beside *beside)
{
    struct signalfd_siginfo information;

    while (read(beside->signals, &information, sizeof information) > 0)
        ;
    loading_child_changed(&beside->loading, &beside->resolver);
}

/* The other end is closed: by execve(2), or by the end of run. */
static void hear_tie(struct beside *beside)
{
    loading_executed(&beside->loading);
    kernel_close(descriptor_steal(&beside->tie));
}

static void tell_decision(const struct beside *beside, const struct request *request, pid_t pid)
{
    char text[160];

    snprintf(text, sizeof text, "auto: %s, because process %d waits for clients %s",
        beside->decided == ISOLATION_INSTANCES ? "an instance of the server for each account"
                                               : "scopes within the server",
        (int)pid, request->socket.by_epoll ? "in an epoll set" : "in no epoll set");
    if (beside->plan->instances->verbose)
        event_log_notice(beside->plan->log, "isolation", pid, text);
}

/* The server's first wait for clients: the one who asks first has decided for all. */
static void decide(void *context, const struct request *request, pid_t pid, int reply, int attached)
{
    struct beside *beside = context;
    struct decision decision = {.magic = PROTOCOL_MAGIC};

    (void)attached;
    if (request->kind != REQUEST_SERVES)
        return;
    if (beside->decided == ISOLATION_UNDECIDED) {
        beside->decided = request->socket.by_epoll ? ISOLATION_INSTANCES : ISOLATION_SCOPES;
        beside->asked = pid;
        beside->resolver.stop = beside->decided == ISOLATION_INSTANCES; /* the rest is not for us */
        tell_decision(beside, request, pid);
    }
    decision.isolation = beside->decided;
    send(reply, &decision, sizeof decision, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Scopes it is: this process has no use for what it has kept. */
static void leave(struct beside *beside)
{
    const char *failed;
    int error;

    beside->resolver.settings.isolation = ISOLATION_SCOPES;
    failed = resolver_leave(beside, &error);
    if (!failed)
        return;
    event_log_notice(beside->plan->log, "resolver-failed", 0,
        "the resolver could not give up the server's rights and ends: all peers are refused");
    _exit(1);
}

/* Until the last process of the server has gone, or it has turned out to be an event loop. */
static void serve(struct beside *beside)
{
    enum resolver_state state = RESOLVER_EMPTY;
    bool undecided = beside->decided == ISOLATION_UNDECIDED;

    while (state != RESOLVER_ENDED && beside->decided != ISOLATION_INSTANCES) {
        struct pollfd set[] = {{beside->signals, POLLIN, 0}, {beside->resolver.channel, POLLIN, 0},
            {beside->tie, POLLIN, 0}};
        int tick = event_log_tick(beside->plan->log);

        tick = (int)clock_sooner(tick, loading_timeout(&beside->loading));
        if (poll(set, 3, tick) < 0 && errno != EINTR)
            return;
        if (set[0].revents)
            take_signals(beside);
        if (set[2].revents)
            hear_tie(beside);
        state = resolver_receive(&beside->resolver);
        loading_check(&beside->loading, &beside->resolver);
        if (undecided && beside->decided == ISOLATION_SCOPES) {
            undecided = false;
            leave(beside);
        }
        finish_proof(beside);
    }
}

static bool write_to_the_same(pid_t one, pid_t other)
{
    struct stat its, others;
    char path[2][32];

    snprintf(path[0], sizeof path[0], "/proc/%d/fd/1", (int)one);
    snprintf(path[1], sizeof path[1], "/proc/%d/fd/1", (int)other);
    return stat(path[0], &its) == 0 && stat(path[1], &others) == 0 && its.st_dev == others.st_dev &&
           its.st_ino == others.st_ino;
}

/* The server is the first instance from now on, and nobody's. */
static void supervise(struct beside *beside)
{
    struct supervisor_plan *plan = beside->plan->instances;
    struct pollfd end = {beside->loading.process, POLLIN, 0};
    pid_t run = beside->resolver.server;
    bool has_ended = poll(&end, 1, 0) == 1;
    int signal;

    plan->run = run;
    plan->main = main_signals_find(has_ended ? 0 : run, beside->asked);
    if (!plan->main) {
        event_log_notice(beside->plan->log, "isolation", beside->asked,
            "auto: the server has ended before it could be the first instance: whoever comes is "
            "refused");
        return;
    }
    /* Of a daemon's starter: who waits for the end of what it writes is not to wait for us. */
    if (has_ended || (beside->asked != run && !write_to_the_same(run, beside->asked)))
        descriptors_leave_standard(event_log_descriptor(beside->plan->log));
    kernel_close(beside->signals);
    unsetenv(PROTOCOL_CHANNEL_VARIABLE);
    unsetenv("NOTIFY_SOCKET"); /* the server itself has it */
    plan->environment = environ;
    plan->asked = beside->asked;
    plan->asked_process = (int)syscall(SYS_pidfd_open, beside->asked, 0);
    plan->main_channel = beside->resolver.channel;
    prctl(PR_SET_NAME, "wsapeer");
    supervisor_run(plan, &signal);
}

static void tell_run(int tie, int error, const char *what)
{
    struct report report = {.error = error};

    snprintf(report.what, sizeof report.what, "%s", what ? what : "");
    send(tie, &report, sizeof report, MSG_NOSIGNAL);
}

/* Run learns our pid, so that it can let us trace it, and says when it has. */
static bool introduce(int tie)
{
    pid_t own = getpid();
    char go;

    return send(tie, &own, sizeof own, MSG_NOSIGNAL) == sizeof own && recv(tie, &go, 1, 0) == 1;
}

static _Noreturn void stand_beside(
    const struct resolver_plan *plan, int channel, int tie, pid_t server)
{
    struct beside beside = {.plan = plan,
        .tie = tie,
        .decided = plan->settings.isolation,
        .resolver = {.policy = plan->policy,
            .log = plan->log,
            .settings = plan->settings,
            .channel = channel,
            .server = server,
            .other = decide}};
    const char *failed;
    int error;

    beside.resolver.context = &beside;
    if (!introduce(tie))
        _exit(1);
    failed = settle(&beside, server, &error);
    tell_run(tie, error, failed);
    if (failed)
        _exit(1);
    serve(&beside);
    loading_end(&beside.loading);
    if (beside.decided == ISOLATION_INSTANCES)
        supervise(&beside);
    event_log_close(plan->log);
    _exit(0);
}

/*
 * Whoever would inherit an orphan, the server itself as it may be, must not find us when it waits
 * for its children: a child without an exit signal is seen only by those who ask for such (__WALL).
 */
static bool adopts_orphans(void)
{
    int subreaper = 0;

    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    return subreaper || getpid() == 1;
}

/* Returns 0 in run, 1 in the resolver, or -errno. */
static int fork_resolver(void)
{
    bool direct = adopts_orphans();
    pid_t child = direct ? (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0) : fork();

    if (child < 0)
        return -errno;
    if (child > 0) {
        while (!direct && waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
        return 0;
    }
    setsid();
    if (direct)
        return 1;
    child = fork();
    if (child != 0)
        _exit(child < 0);
    return 1;
}

/* Run's half of the beginning. Returns 0 or -errno, with what failed in report->what. */
static int await(int tie, struct report *report)
{
    pid_t resolver = 0;

    snprintf(report->what, sizeof report->what, "start");
    if (recv(tie, &resolver, sizeof resolver, 0) != sizeof resolver)
        return -EAGAIN;
    prctl(PR_SET_PTRACER, resolver, 0, 0, 0); /* for Yama; where there is none it fails, rightly */
    if (send(tie, "", 1, MSG_NOSIGNAL) != 1 || recv(tie, report, sizeof *report, 0) <= 0)
        return -ECONNRESET;
    prctl(PR_SET_PTRACER, 0, 0, 0, 0);
    return report->error;
}

int resolver_start(
    const struct resolver_plan *plan, int *channel, int *tie, char *message, size_t size)
{
    int channels[2] = {-1, -1}, ties[2] = {-1, -1};
    struct report report = {.what = "make its sockets"};
    pid_t server = getpid();
    int error;

    error = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channels);
    if (error == 0)
        error = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ties);
    if (error == 0)
        error = resolver_prepare_channel(channels[1]);
    if (error == 0)
        error = fork_resolver();
    if (error == 1) {
        kernel_close(channels[0]);
        kernel_close(ties[0]);
        stand_beside(plan, channels[1], ties[1], server);
    }
    descriptor_cleanup(&channels[1]);
    descriptor_cleanup(&ties[1]);
    if (error == 0)
        error = await(ties[0], &report);
    if (error == 0) {
        *channel = channels[0];
        *tie = ties[0];
        return 0;
    }
    descriptor_cleanup(&channels[0]);
    descriptor_cleanup(&ties[0]);
    snprintf(message, size, "the resolver cannot %s: %s", report.what, strerror(-error));
    return error;
}

void resolver_stop(int channel, int tie)
{
    char byte;

    kernel_close(channel);
    while (recv(tie, &byte, 1, 0) < 0 && errno == EINTR)
        ;
    kernel_close(tie);
}
