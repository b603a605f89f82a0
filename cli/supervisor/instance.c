#include "instance.h"

#include "cleanup.h"
#include "clock.h"
#include "command.h"
#include "instance_tmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SEAL_SECONDS = 10,
    LOOK_PAUSE = 20, /* times what a look has taken, before the next */
};

static void say_end(const struct instance *instance, const struct keeper_report *report);

static void close_source(struct loop *loop, struct source *source)
{
    if (!source->ready)
        return;
    loop_remove(loop, source);
    kernel_close(source->descriptor);
}

/* Gone for good: out of the list, and its tenant has none. */
static void forget(struct instance *instance)
{
    struct supervisor *supervisor = instance->supervisor;
    struct instance **place = &supervisor->instances;
    struct tenant *tenant = instance->tenant;
    struct ending ending = {.waited = instance->waited,
        .asked = instance->asked,
        .lived = clock_now() - (instance->assigned ? instance->assigned : instance->started)};

    while (*place != instance)
        place = &(*place)->next;
    *place = instance->next;
    instance_forget_stand_ins(instance);
    listeners_give_up(&supervisor->listeners, instance->number);
    close_source(&supervisor->loop, &instance->channel_source);
    close_source(&supervisor->loop, &instance->keeper_source);
    loading_end(&instance->loading);
    descriptor_cleanup(&instance->loading.process);
    if (instance->directory[0])
        instance_tmp_remove(instance->directory);
    connections_forget(&instance->connections);
    while (waitpid(instance->keeper.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (tenant && tenant->instance == instance)
        tenant->instance = NULL;
    free(instance);
    pool_ended(supervisor, tenant, &ending);
}

static void serves(struct instance *instance)
{
    struct supervisor *supervisor = instance->supervisor;
    char name[64];

    instance->state = INSTANCE_SERVING;
    instance->deadline = 0;
    supervisor->start_failures = 0; /* one that works */
    supervisor->no_start_before = 0;
    clients_deliver(supervisor, instance->tenant);
    if (supervisor->plan->verbose) /* looking the name up takes its time */
        supervisor_say(supervisor, false, "instance-assigned", instance->keeper.server,
            "instance %u of the server is %s's from now on", instance->number,
            instance_account_name(instance->tenant->account.uid, name, sizeof name));
}

static void sealed(struct instance *instance, const struct keeper_report *report)
{
    struct supervisor *supervisor = instance->supervisor;
    struct tenant *tenant = instance->tenant;
    char name[64];

    if (report->error == 0 && instance->state == INSTANCE_SEALING) {
        serves(instance);
        return;
    }
    if (report->error == 0)
        return;
    supervisor_say(supervisor, true, "not-sealed", instance->keeper.server,
        "instance %u of the server could not be made %s's: %s: it was killed and its clients are "
        "refused",
        instance->number, instance_account_name(tenant->account.uid, name, sizeof name),
        report->text);
    instance->state = INSTANCE_ENDING;
    clients_refuse(supervisor, tenant, ACCOUNT_NO_INSTANCE, -report->error);
}

static void not_executed(struct instance *instance, int error)
{
    supervisor_say(instance->supervisor, true, "instance-failed", instance->keeper.server,
        "instance %u: %s cannot be executed: %s", instance->number,
        instance->supervisor->plan->program, strerror(error < 0 ? -error : error));
}

/* Returns false if the instance is no more. */
static bool take_report(struct instance *instance, const struct keeper_report *report)
{
    switch (report->kind) {
    case KEEPER_NOT_EXECUTED:
        not_executed(instance, report->error);
        return true;
    case KEEPER_SEALED:
        sealed(instance, report);
        return true;
    case KEEPER_SERVER_ENDED:
        instance->server_ended = true;
        instance->status = report->status;
        return true;
    default:
        instance->status = report->status;
        say_end(instance, report);
        if (!instance->supervisor->was_ready ||
            (instance->supervisor->stopping && instance->waited))
            instance->supervisor->status = instance->supervisor->status ?: report->status;
        forget(instance);
        return false;
    }
}

void instance_keeper_ready(void *context, uint32_t events)
{
    struct instance *instance = context;
    struct keeper_report report;
    int error;

    (void)events;
    while ((error = keeper_receive(&instance->keeper, &report)) == 0)
        if (!take_report(instance, &report))
            return;
    if (error == -EAGAIN)
        return;
    supervisor_say(instance->supervisor, true, "keeper-lost", instance->keeper.pid,
        "the keeper of instance %u was killed: what is left of the instance is killed, too",
        instance->number);
    if (!instance->supervisor->was_ready)
        instance->supervisor->status = EXIT_FAILED << 8;
    forget(instance); /* its processes are ours now, and supervisor.c ends such */
}

void instance_channel_ready(void *context, uint32_t events)
{
    struct instance *instance = context;
    struct supervisor *supervisor = instance->supervisor;

    (void)events;
    if (resolver_receive(&instance->resolver) == RESOLVER_ENDED) {
        close_source(&supervisor->loop, &instance->channel_source);
        if (instance->state == INSTANCE_MAIN)
            supervisor_stop(supervisor, SIGTERM);
        return;
    }
    instance_check_loading(instance, false);
}

void instance_check_loading(struct instance *instance, bool child_changed)
{
    if (instance->loading.state != LOADING_WAITS)
        return;
    if (child_changed)
        loading_child_changed(&instance->loading, &instance->resolver);
    loading_check(&instance->loading, &instance->resolver);
}

/* ---- its life -----------------------------------------------------------------------------------
 */

static void signal_now(struct instance *instance, int signal)
{
    keeper_signal(&instance->keeper, signal);
    if (signal != SIGHUP)
        return;
    instance->stale = true;
    instance->given = clock_now();
    instance->next_tend = 0;
}

/*
 * One that is about to start may have read already what has changed, and has no handler yet: it
 * gets what came meanwhile when it waits for clients.
 */
void instance_signal(struct instance *instance, int signal)
{
    const struct supervisor *supervisor = instance->supervisor;

    if (instance->state == INSTANCE_MAIN)
        return;
    if (instance->waited || !supervisor->was_ready || supervisor->stopping)
        signal_now(instance, signal);
    else
        instance->missed |= UINT64_C(1) << signal;
}

static void signal_missed(struct instance *instance)
{
    for (int signal = 1; instance->missed >> signal; signal++)
        if (instance->missed >> signal & 1)
            signal_now(instance, signal);
    instance->missed = 0;
}

void instance_waits(struct instance *instance)
{
    if (instance->state != INSTANCE_STARTING)
        return;
    instance->state = INSTANCE_SPARE;
    instance->waited = true;
    /*
     * Listeners came from the first; what it copied before it listened, and what it forked, may
     * have them still. So it is nobody's, ever.
     */
    if (!instance->supervisor->was_ready)
        instance->only_main = true;
    instance->deadline = 0;
    signal_missed(instance);
    supervisor_is_ready(instance->supervisor);
    if (instance->tenant)
        instance_assign(instance, instance->tenant);
    pool_balance(instance->supervisor);
}

/*
 * What comes from it is a stranger's from now on: the keeper hears the channel, and we hear the
 * keeper.
 */
static int seal(struct instance *instance)
{
    struct loop *loop = &instance->supervisor->loop;
    cleanup_descriptor int theirs = -1;
    int pair[2], channel[2], error = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);

    if (error < 0)
        return error;
    channel[0] = instance->channel_source.descriptor;
    channel[1] = theirs = pair[1];
    error = keeper_seal(&instance->keeper, &instance->tenant->account,
        instance->directory[0] ? instance->directory : NULL, channel);
    close_source(loop, &instance->channel_source);
    instance->resolver.channel = pair[0];
    instance->channel_source = (struct source){.descriptor = pair[0],
        .events = EPOLLIN,
        .ready = instance_channel_ready,
        .context = instance};
    if (error == 0)
        error = resolver_prepare_channel(pair[0]);
    return error < 0 ? error : loop_add(loop, &instance->channel_source);
}

void instance_assign(struct instance *instance, struct tenant *tenant)
{
    instance->tenant = tenant;
    tenant->instance = instance;
    instance->state = INSTANCE_SEALING;
    instance->assigned = instance->given = clock_now();
    instance->deadline = instance->assigned + SEAL_SECONDS * 1000;
    instance->supervisor->last_assigned = instance->assigned;
    if (seal(instance) < 0)
        keeper_kill(&instance->keeper);
}

void instance_end(struct instance *instance, int signal)
{
    if (instance->state == INSTANCE_MAIN)
        return;
    if (instance->state != INSTANCE_ENDING)
        instance->deadline = clock_now() + instance->supervisor->plan->stop_timeout * INT64_C(1000);
    instance->state = INSTANCE_ENDING;
    instance->asked = true;
    keeper_signal(&instance->keeper, signal ? signal : SIGTERM);
}

unsigned instance_connections(struct instance *instance)
{
    int64_t begin = clock_now();

    if (instance->state == INSTANCE_MAIN)
        return 0;
    if (begin < instance->next_look)
        return instance->connections.count; /* as many as there were, and those given since */
    connections_count(
        &instance->connections, instance->keeper.pid, instance_has_under_way(instance));
    instance->next_look = clock_now() + LOOK_PAUSE * (clock_now() - begin);
    return instance->connections.count;
}

static void describe_status(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

/* An end that nobody asked for is told, with what the server said last. */
static void say_end(const struct instance *instance, const struct keeper_report *report)
{
    const struct supervisor *supervisor = instance->supervisor;
    bool early = !instance->waited;
    const char *hint = "";
    char how[96], last[300] = "";

    describe_status(report->status, how, sizeof how);
    if (report->text[0])
        snprintf(last, sizeof last, "; its last line was \"%s\"", report->text);
    if (early && supervisor->was_ready && !instance->asked)
        hint = supervisor->plan->expand
                   ? ". Perhaps it cannot run twice (a lock file, a pid file, a port of its own): "
                     "give each instance its own by %i in its arguments or by --instance-tmp, or "
                     "say --isolate=scope"
                   : ". Perhaps it cannot run twice (a lock file, a pid file, a port of its own): "
                     "say --isolate=account and give each instance its own by %i in its arguments "
                     "or by --instance-tmp, or say --isolate=scope";
    supervisor_say(supervisor, !instance->asked && supervisor->was_ready, "instance-ended",
        instance->keeper.server, "instance %u of the server %s%s%s%s", instance->number, how,
        early ? " before it waited for clients" : "", last, hint);
}
