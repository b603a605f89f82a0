/*
 * main_process.c: --isolate=auto: the server's first process. Its signals are everybody's, and so
 * is its end; and the supervisor, whose end is the end of it, stays for as long as it takes to end.
 */
#include "supervisor.h"

#include "clock.h"
#include "main_signals.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { KILL_MS = 5000 };

static void ended(void *context)
{
    struct supervisor *supervisor = context;

    loop_remove(&supervisor->loop, &supervisor->main_source);
    supervisor->main_lives = false;
    supervisor_stop(supervisor, SIGTERM);
}

static void signalled(void *context, int signal)
{
    supervisor_take_signal(context, signal);
}

static void ready(void *context, uint32_t events)
{
    (void)events;
    ended(context);
}

void main_process_watch(struct supervisor *supervisor)
{
    int process = (int)syscall(SYS_pidfd_open, supervisor->plan->main, 0);

    supervisor->main_source = (struct source){
        .descriptor = process, .events = EPOLLIN, .ready = ready, .context = supervisor};
    supervisor->main_lives =
        process >= 0 && loop_add(&supervisor->loop, &supervisor->main_source) == 0;
    if (!supervisor->main_lives)
        supervisor->main_source.ready = NULL;
    supervisor->watches_main = main_signals_watch(supervisor->plan->main) == 0;
    if (!supervisor->watches_main)
        supervisor_say(supervisor, false, "signals-unseen", supervisor->plan->main,
            "the server's first process cannot be traced: signals to it reach no other instance");
}

void main_process_changed(struct supervisor *supervisor)
{
    const struct main_watcher watcher = {signalled, ended, supervisor};

    if (supervisor->watches_main)
        main_signals_take(supervisor->plan->main, &watcher);
}

int main_process_tick(struct supervisor *supervisor)
{
    int64_t now = clock_now(), left = supervisor->main_deadline - now;

    if (!supervisor->stopping || !supervisor->main_lives)
        return -1;
    if (left > 0)
        return (int)left;
    supervisor_say(supervisor, true, "main-killed", supervisor->plan->main,
        "the server's first process has not ended after --stop-timeout: it is killed");
    syscall(SYS_pidfd_send_signal, supervisor->main_source.descriptor, SIGKILL, NULL, 0);
    supervisor->main_deadline = now + KILL_MS;
    return KILL_MS;
}
