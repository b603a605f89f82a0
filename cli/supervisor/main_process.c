/*
 * main_process.c: --isolate=auto: the server's first process. Its signals are everybody's, and so
 * is its end; and the supervisor, whose end is the end of it, stays for as long as it takes to end.
 */
#include "instance.h"

#include "cleanup.h"
#include "clock.h"
#include "descriptors.h"
#include "main_signals.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KILL_MS = 5000, LONGEST_MS = 1 << 30 };

static void watch(struct supervisor *supervisor);

static bool lives(int process)
{
    struct pollfd set = {process, POLLIN, 0};

    return process >= 0 && poll(&set, 1, 0) == 0;
}

/*
 * Who was started ends well, and who waits for clients goes on: it has become a daemon, whose first
 * process is another. Who waits for the end of what it wrote is not to wait for us.
 */
static bool has_left_a_daemon(struct supervisor *supervisor)
{
    pid_t next = 0;

    if (!supervisor->stopping && lives(supervisor->plan->asked_process))
        next = main_signals_find(0, supervisor->plan->asked);
    if (next == 0 || next == supervisor->main)
        return false;
    for (struct instance *i = supervisor->instances; i; i = i->next)
        if (i->state == INSTANCE_MAIN)
            i->keeper.server = next;
    supervisor->main = next;
    descriptors_leave_standard(event_log_descriptor(supervisor->plan->log));
    watch(supervisor);
    return true;
}

static void ended(void *context, bool by_itself)
{
    struct supervisor *supervisor = context;

    loop_remove(&supervisor->loop, &supervisor->main_source);
    descriptor_cleanup(&supervisor->main_source.descriptor);
    if (by_itself && has_left_a_daemon(supervisor))
        return;
    supervisor->main_lives = false;
    supervisor_stop(supervisor, SIGTERM);
}

static void signalled(void *context, int signal)
{
    supervisor_take_signal(context, signal);
}

/* Where it is traced, how it has ended is known; what cannot be known is taken for good. */
static void ready(void *context, uint32_t events)
{
    struct supervisor *supervisor = context;
    pid_t main = supervisor->main;

    (void)events;
    main_process_changed(supervisor);
    if (supervisor->main == main && supervisor->main_lives)
        ended(supervisor, !supervisor->watches_main);
}

static void watch(struct supervisor *supervisor)
{
    int process = (int)syscall(SYS_pidfd_open, supervisor->main, 0);

    supervisor->main_source = (struct source){
        .descriptor = process, .events = EPOLLIN, .ready = ready, .context = supervisor};
    supervisor->main_lives =
        process >= 0 && loop_add(&supervisor->loop, &supervisor->main_source) == 0;
    if (!supervisor->main_lives)
        supervisor->main_source.ready = NULL;
    supervisor->watches_main = main_signals_watch(supervisor->main) == 0;
    if (!supervisor->watches_main)
        supervisor_say(supervisor, false, "signals-unseen", supervisor->main,
            "the server's first process cannot be traced: signals to it reach no other instance");
}

void main_process_watch(struct supervisor *supervisor)
{
    supervisor->main = supervisor->plan->main;
    watch(supervisor);
}

void main_process_changed(struct supervisor *supervisor)
{
    const struct main_watcher watcher = {signalled, ended, supervisor};

    if (supervisor->watches_main)
        main_signals_take(supervisor->main, &watcher);
}

int main_process_tick(struct supervisor *supervisor)
{
    int64_t now = clock_now(), left = supervisor->main_deadline - now;

    if (!supervisor->stopping || !supervisor->main_lives)
        return -1;
    if (left > 0)
        return left < LONGEST_MS ? (int)left : LONGEST_MS;
    supervisor_say(supervisor, true, "main-killed", supervisor->main,
        "the server's first process has not ended after --stop-timeout: it is killed");
    syscall(SYS_pidfd_send_signal, supervisor->main_source.descriptor, SIGKILL, NULL, 0);
    supervisor->main_deadline = now + KILL_MS;
    return KILL_MS;
}
