/* keeper_process.c: the keeper itself. */
#include "keeper_process.h"

#include "cleanup.h"
#include "descriptors.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_KILL_PAUSE_MS = 32 };

struct keeping {
    const struct keeper_plan *plan;
    int orders;                    /* -1 when the supervisor has gone */
    int signals;                   /* signalfd: SIGCHLD */
    int control;                   /* to what becomes the server; -1 when it is */
    struct keeper_output output;   /* its stderr */
    struct keeper_output standard; /* its stdout */
    struct keeper_channel channel;
    struct keeper_given given;
    pid_t server;
    int status; /* of it, when it has ended */
    bool not_executed;
    int kill_pause; /* milliseconds between two rounds of killing; 0: nothing is to be killed */
};

/* ---- reports --------------------------------------------------------------------------------- */

static void tell(const struct keeping *keeping, const struct keeper_report *report)
{
    if (keeping->orders >= 0)
        send(keeping->orders, report, sizeof *report, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void kill_all(struct keeping *keeping)
{
    if (keeping->kill_pause == 0)
        keeping->kill_pause = 1;
}

static void tell_sealed(struct keeping *keeping, int error, const char *text)
{
    struct keeper_report report = {.kind = KEEPER_SEALED, .error = error};

    snprintf(report.text, sizeof report.text, "%s", text);
    tell(keeping, &report);
    if (error < 0)
        kill_all(keeping);
}

_Noreturn static void finish(struct keeping *keeping)
{
    struct keeper_report report = {.kind = KEEPER_ENDED, .status = keeping->status};

    keeper_output_copy(&keeping->standard);
    keeper_output_copy(&keeping->output);
    snprintf(report.text, sizeof report.text, "%s", keeper_output_last(&keeping->output));
    tell(keeping, &report);
    _exit(0);
}

/* ---- the end of processes -------------------------------------------------------------------- */

/* Nothing comes while it waits for go; then an error, or the end: it was executed. */
static void hear_control(struct keeping *keeping)
{
    struct keeper_report report = {.kind = KEEPER_NOT_EXECUTED};
    ssize_t size;

    if (keeping->control < 0)
        return;
    size = kernel_recvfrom(keeping->control, &report.error, sizeof report.error, MSG_DONTWAIT);
    if (size == -EAGAIN || size == -EINTR)
        return;
    if (size == sizeof report.error) {
        keeping->not_executed = true;
        tell(keeping, &report);
    }
    kernel_close(descriptor_steal(&keeping->control));
}

static int as_wait_status(const siginfo_t *information)
{
    if (information->si_code == CLD_EXITED)
        return information->si_status << 8;
    return information->si_status | (information->si_code == CLD_DUMPED ? 0x80 : 0);
}

static void note_end(struct keeping *keeping, const siginfo_t *information)
{
    struct keeper_report report = {
        .kind = KEEPER_SERVER_ENDED, .status = as_wait_status(information)};

    if (information->si_pid != keeping->server)
        return;
    hear_control(keeping);
    keeping->status = report.status;
    keeping->server = 0; /* the number may be anybody's from now on */
    if (!keeping->not_executed)
        tell(keeping, &report);
}

/* Stops of what is traced are sealing's: only ends are taken. False: nothing is left. */
static bool reap(struct keeping *keeping)
{
    for (;;) {
        siginfo_t information = {0};

        if (waitid(P_ALL, 0, &information, WEXITED | WNOHANG | __WALL) < 0) {
            if (errno == ECHILD)
                return false;
        } else if (information.si_pid == 0) {
            return true;
        } else {
            note_end(keeping, &information);
        }
    }
}

static void take_signals(struct keeping *keeping)
{
    struct signalfd_siginfo information;

    while (read(keeping->signals, &information, sizeof information) > 0)
        ;
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void seal(struct keeping *keeping, const struct keeper_order *order)
{
    const struct keeper_estate estate = {.given = &keeping->given,
        .directory = order->directory,
        .pipes = {keeping->output.pipe, keeping->standard.pipe}};
    char text[sizeof((struct keeper_report *)NULL)->text] = "";
    int error = keeper_seal_below(&estate, &order->account, text, sizeof text);

    tell_sealed(keeping, error, text);
}

static void obey(struct keeping *keeping, const struct keeper_order *order, size_t size)
{
    if (order->kind == ORDER_GO && keeping->control >= 0)
        send(keeping->control, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    else if (order->kind == ORDER_SIGNAL)
        keeper_signal_children(order->signal);
    else if (order->kind == ORDER_SEAL && size == sizeof *order)
        seal(keeping, order);
    else if (order->kind == ORDER_KILL)
        kill_all(keeping);
}

/* An order, with the channel if it came along. */
static ssize_t receive_order(struct keeping *keeping, struct keeper_order *order)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec part = {order, sizeof *order};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t size = kernel_recvmsg(keeping->orders, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int passed[2], off = 0;

    if (size < 0 || message.msg_controllen < CMSG_LEN(sizeof passed))
        return size;
    memcpy(passed, CMSG_DATA(&control.header), sizeof passed);
    keeping->channel.socket = passed[0];
    keeping->channel.relay = passed[1];
    /* Who sent a request would take the place of what came with it. */
    kernel_setsockopt(passed[0], SOL_SOCKET, SO_PASSCRED, &off, sizeof off);
    return size;
}

static void take_orders(struct keeping *keeping)
{
    struct keeper_order order;

    while (keeping->orders >= 0) {
        ssize_t size = receive_order(keeping, &order);

        if (size == -EAGAIN || size == -EINTR)
            return;
        if (size >= KEEPER_SHORT_ORDER) {
            obey(keeping, &order, (size_t)size);
        } else {
            kernel_close(descriptor_steal(&keeping->orders));
            kill_all(keeping);
        }
    }
}

static void hear_channel(struct keeping *keeping, const struct pollfd *channel)
{
    if (!channel->revents)
        return;
    if (keeping->channel.answer >= 0)
        keeper_channel_answer(&keeping->channel);
    else
        keeper_channel_hear(&keeping->channel);
}

static void kill_round(struct keeping *keeping)
{
    keeper_kill_below();
    if (keeping->kill_pause < LONGEST_KILL_PAUSE_MS)
        keeping->kill_pause *= 2;
}

_Noreturn static void keep(struct keeping *keeping)
{
    while (reap(keeping)) {
        struct pollfd set[] = {{keeping->orders, POLLIN, 0}, {keeping->control, POLLIN, 0},
            {keeping->output.pipe, POLLIN, 0}, {keeping->signals, POLLIN, 0},
            {keeping->standard.pipe, POLLIN, 0},
            {keeping->channel.answer >= 0 ? keeping->channel.answer : keeping->channel.socket,
                POLLIN, 0}};

        poll(set, sizeof set / sizeof set[0], keeping->kill_pause ? keeping->kill_pause : -1);
        if (set[0].revents)
            take_orders(keeping);
        if (set[1].revents)
            hear_control(keeping);
        if (set[2].revents)
            keeper_output_copy(&keeping->output);
        if (set[3].revents)
            take_signals(keeping);
        if (set[4].revents)
            keeper_output_copy(&keeping->standard);
        hear_channel(keeping, &set[5]);
        if (keeping->kill_pause)
            kill_round(keeping);
    }
    finish(keeping);
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* /proc of another pid namespace would show us other processes under our numbers. */
static int check_proc(void)
{
    char text[32];
    ssize_t size = readlink("/proc/self", text, sizeof text - 1);

    if (size <= 0)
        return -ENOENT;
    text[size] = '\0';
    return strtol(text, NULL, 10) == getpid() ? 0 : -ENOENT;
}

/* It ends with its instance and not before, whatever a terminal or an operator sends to all. */
static int take_signal_descriptor(struct keeping *keeping)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
        SIGTSTP, SIGTTOU, SIGTTIN, SIGPIPE};
    sigset_t child;

    for (int number = 1; number <= 64; number++)
        signal(number, SIG_DFL); /* the supervisor's handlers are not for us */
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &child, NULL) < 0)
        return -errno;
    keeping->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return keeping->signals < 0 ? -errno : 0;
}

static int settle(struct keeping *keeping)
{
    int error = check_proc();

    prctl(PR_SET_NAME, "wsapeer-keeper");
    if (error == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        error = -errno;
    if (error == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
        error = -errno;
    return error < 0 ? error : take_signal_descriptor(keeping);
}

/* A pipe of which we read without waiting. */
static int open_pipe(int *ours, int *theirs)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) < 0)
        return -errno;
    *ours = pair[0];
    *theirs = pair[1];
    return fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* Forks what becomes the server, connected to us by `control` and what it writes. */
static int fork_server(struct keeping *keeping)
{
    int control[2], pipes[2] = {-1, -1};
    int error = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control);
    sigset_t all, own;

    if (error == 0)
        error = open_pipe(&keeping->standard.pipe, &pipes[0]);
    if (error == 0)
        error = open_pipe(&keeping->output.pipe, &pipes[1]);
    if (error < 0)
        return error;
    /* What we ignore is not lost on it meanwhile: a blocked signal waits until it can be taken. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &own);
    keeping->server = fork();
    if (keeping->server == 0)
        keeper_become_server(keeping->plan, control[1], pipes);
    sigprocmask(SIG_SETMASK, &own, NULL);
    kernel_close(control[1]);
    kernel_close(pipes[0]);
    kernel_close(pipes[1]);
    keeping->control = control[0];
    return keeping->server < 0 ? -EAGAIN : 0;
}

/* What the supervisor has open is no business of ours: sockets would stay bound. */
static int leave_descriptors(struct keeping *keeping)
{
    int keep[] = {keeping->orders, keeping->signals, keeping->control, keeping->output.pipe,
        keeping->output.log, keeping->standard.pipe, keeping->standard.log};
    cleanup_descriptor int null = kernel_openat(AT_FDCWD, "/dev/null", O_RDWR);

    if (null < 0)
        return null;
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++) {
        if (standard != keeping->output.log && standard != keeping->standard.log &&
            dup2(null, standard) < 0)
            return -errno;
    }
    if (chdir("/") < 0)
        return -errno;
    return descriptors_close_others(keep, sizeof keep / sizeof keep[0]);
}

void keeper_process(const struct keeper_plan *plan, int orders)
{
    struct keeping keeping = {.plan = plan,
        .orders = orders,
        .control = -1,
        .output = {.pipe = -1, .log = plan->log},
        .standard = {.pipe = -1, .log = plan->output},
        .channel = {-1, -1, -1, -1}};
    struct keeper_hello hello = {.error = settle(&keeping)};

    if (hello.error == 0)
        hello.error = fork_server(&keeping);
    if (hello.error == 0) {
        keeper_output_begin(&keeping.output);
        keeper_output_begin(&keeping.standard);
        keeper_note_given(plan, &keeping.given);
        hello.error = leave_descriptors(&keeping);
    }
    hello.server = keeping.server;
    send(orders, &hello, sizeof hello, MSG_NOSIGNAL);
    if (hello.error < 0)
        _exit(1);
    keep(&keeping);
}
