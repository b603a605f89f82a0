/* handlers.c: see handlers.h. */
#include "scope/handlers.h"

#include "account/channel.h"
#include "kernel.h"
#include "libc.h"
#include "scope/fork.h"
#include "scope/scope.h"
#include "scope/signals.h"
#include "scope/silence.h"
#include "scope/thread.h"
#include "scope/turn.h"
#include "scope/wakers.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
    MOST_HANDLERS = 1024,
    FIRST_PROCESS = 1,   /* of a PID namespace: orphans are its children, pid_namespaces(7) */
    TURN_NS = 100000000, /* so long a call that may not wait does, when all places are taken */
};

/* Our ends of the pairs. A number that is another socket by now was taken from us: it has ended. */
static struct place {
    int number;
    uid_t account;
    uint64_t cookie; /* 0: free */
} places[MOST_HANDLERS];

static bool reported_full;

static unsigned most(void)
{
    unsigned wanted = process.settings.max_processes;

    return wanted < MOST_HANDLERS ? wanted : MOST_HANDLERS;
}

bool handlers_are_wanted(void)
{
    return process.settings.by_connection && process.scopes;
}

static void note_epoll(int number, const struct descriptor *entry, void *context)
{
    (void)number;
    if (entry->kind == DESCRIPTOR_EPOLL)
        *(bool *)context = true;
}

static bool inherits_orphans(void)
{
    int reaper = 0;

    kernel_call(SYS_prctl, PR_GET_CHILD_SUBREAPER, (long)&reaper, 0, 0, 0, 0);
    return reaper || kernel_getpid() == FIRST_PROCESS;
}

/* ---- places -----------------------------------------------------------------------------------
 */

static bool is_ours(const struct place *place)
{
    uint64_t cookie;

    return place->cookie && kernel_socket_cookie(place->number, &cookie) == 0 &&
           cookie == place->cookie;
}

static void give_up(struct place *place)
{
    if (is_ours(place)) {
        descriptor_forget(place->number);
        kernel_close(place->number);
    }
    place->cookie = 0;
}

static bool has_ended(const struct place *place)
{
    struct pollfd set = {.fd = place->number};
    struct timespec now = {0};

    return !is_ours(place) || (kernel_call(SYS_ppoll, (long)&set, 1, (long)&now, 0, 0, 0) > 0 &&
                                  set.revents & POLLHUP);
}

static unsigned count_living(void)
{
    unsigned living = 0;

    for (unsigned i = 0; i < most(); i++) {
        if (places[i].cookie && has_ended(&places[i]))
            give_up(&places[i]);
        living += places[i].cookie != 0;
    }
    return living;
}

/*
 * One account does not get the last quarter of many: else who opens connections and says nothing
 * keeps out everybody.
 */
static bool has_its_share(uid_t account)
{
    unsigned living = 0;

    for (unsigned i = 0; i < most(); i++)
        living += places[i].cookie != 0 && places[i].account == account;
    return living >= most() - most() / 4;
}

enum account_verdict handlers_verdict(const struct account *account)
{
    bool has_epoll = false;

    if (inherits_orphans())
        return ACCOUNT_INHERITS_ORPHANS;
    descriptor_visit(note_epoll, &has_epoll);
    if (process_count_threads() != 1 || has_epoll)
        return ACCOUNT_SEVERAL_THREADS;
    return has_its_share(account->uid) ? ACCOUNT_HAS_ITS_SHARE : ACCOUNT_SERVED;
}

/* Until the end of one of them, a signal, or the time is over: 0 or -errno. */
static int await_one(const struct timespec *time, const uint64_t *signals)
{
    static struct pollfd sets[MOST_HANDLERS]; /* one thread */
    unsigned count = 0;
    long result;

    for (unsigned i = 0; i < most(); i++)
        if (places[i].cookie)
            sets[count++] = (struct pollfd){.fd = places[i].number};
    result =
        kernel_call(SYS_ppoll, (long)sets, count, (long)time, (long)signals, sizeof *signals, 0);
    if (result == -EINTR)
        return signals_heard(signals) == SIGNALS_INTERRUPT ? -EINTR : 0;
    return result == 0 ? -EAGAIN : 0;
}

static void report_full(void)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_ALL_BUSY,
        .account_uid = (uid_t)-1};

    if (!reported_full)
        channel_report(&request);
    reported_full = true;
}

int handlers_await_place(bool may_wait, const uint64_t *signals)
{
    int error = 0;

    while (count_living() >= most()) {
        struct timespec turn = {.tv_nsec = TURN_NS};

        if (error < 0)
            return error;
        report_full();
        error = await_one(may_wait ? NULL : &turn, signals);
        if (error == -EINTR)
            return error;
    }
    reported_full = false;
    return 0;
}

/* Takes over `number`. */
static void keep(int number, uid_t account)
{
    for (unsigned i = 0; i < most(); i++) {
        if (places[i].cookie)
            continue;
        number = channel_raise_descriptor(number);
        if (number < 0 || kernel_socket_cookie(number, &places[i].cookie) < 0)
            return; /* it is not counted */
        places[i].number = number;
        places[i].account = account;
        scope_add_own(number);
        return;
    }
    kernel_close(number);
}

/* ---- the signal of the step between -----------------------------------------------------------
 */

static uint64_t sigchld(void)
{
    return UINT64_C(1) << (SIGCHLD - 1);
}

static bool is_pending(void)
{
    uint64_t pending = 0;

    kernel_call(SYS_rt_sigpending, (long)&pending, sizeof pending, 0, 0, 0, 0);
    return pending & sigchld();
}

/* The signal told of `child` alone, or of others as well, who come after it in that case. */
static void take_back_signal(pid_t child)
{
    uint64_t set = sigchld();
    struct timespec now = {0};
    siginfo_t information = {0}, other = {0};

    if (kernel_call(SYS_rt_sigtimedwait, (long)&set, (long)&information, (long)&now, sizeof set, 0,
            0) != SIGCHLD)
        return;
    if (information.si_pid == child) {
        kernel_call(SYS_waitid, P_ALL, 0, (long)&other,
            WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT, 0, 0);
        if (other.si_pid == 0)
            return;
        information = other;
    }
    information.si_signo = SIGCHLD;
    kernel_call(SYS_rt_sigqueueinfo, kernel_getpid(), SIGCHLD, (long)&information, 0, 0, 0);
}

static _Noreturn void end_process(int status)
{
    for (;;)
        kernel_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

/* ---- in the handler ---------------------------------------------------------------------------
 */

static void become_handler(int number, int tie, struct admission *admission,
    void (*begin)(int number, struct admission *admission))
{
    int result;

    for (unsigned i = 0; i < MOST_HANDLERS; i++)
        give_up(&places[i]);
    result = wakers_make_own();
    if (result == 0)
        begin(number, admission);
    else
        admission->verdict = ACCOUNT_SWITCH_FAILED;
    if (result < 0)
        admission->error = -result;
    if (admission->verdict != ACCOUNT_SERVED)
        admission_report(EVENT_REFUSED, admission);
    else if (process.settings.report_served)
        admission_report(EVENT_SERVED, admission);
    if (admission->verdict != ACCOUNT_SERVED)
        end_process(0);
    scope_seal_process();
    process.is_handler = true;
    tie = channel_raise_descriptor(tie);
    if (tie >= 0)
        scope_add_own(tie);
    turn_begin(admission->peer.cookie);
    silence_others(admission->peer.cookie);
}

/* ---- the two forks ----------------------------------------------------------------------------
 */

/* False: there is no handler. */
static bool await_step(pid_t child)
{
    int status = 0;
    long result;

    do
        result = kernel_call(SYS_wait4, child, (long)&status, 0, 0, 0, 0);
    while (result == -EINTR);
    /* Where SIGCHLD is ignored nobody is told how it ended. */
    return result == -ECHILD || (result == child && status == 0);
}

/* 0 in the handler, 1 or -EAGAIN in the process that accepts. */
static int fork_twice(int pair[2], uid_t account)
{
    bool was_pending = is_pending();
    pid_t child = fork();

    if (child == 0) {
        kernel_close(pair[0]);
        child = fork();
        if (child != 0)
            end_process(child < 0);
        return 0;
    }
    kernel_close(pair[1]);
    if (child < 0 || !await_step(child)) {
        kernel_close(pair[0]);
        return -EAGAIN;
    }
    if (!was_pending)
        take_back_signal(child);
    keep(pair[0], account);
    return 1;
}

int handlers_fork(int number, struct admission *admission,
    void (*begin)(int number, struct admission *admission), uint64_t signals)
{
    int saved_errno = errno, pair[2], result;

    fflush(NULL);
    if (kernel_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return -EMFILE;
    result = fork_twice(pair, admission->account.uid);
    if (result == 0)
        become_handler(number, pair[1], admission, begin);
    else if (result == 1 && signals_pending(signals) == SIGNALS_INTERRUPT)
        result = -EINTR; /* a call that takes a client returns, and the server looks at its flags */
    errno = saved_errno;
    return result;
}
