/*
 * pool.c: how many instances there are, and whose.
 *
 * Invariant: at most --max-instances are somebody's; --spares are warm besides. Who wants one and
 * cannot have it stands in line, first come, first served; what cannot start is tried again after a
 * while that doubles, and meanwhile whoever would need it is refused.
 */
#include "instance.h"

#include "clock.h"
#include "placeholders.h"

#include <errno.h>
#include <string.h>

enum {
    STARTS_AT_ONCE = 2,    /* a start is work for the processor */
    MOST_OF_ONE_USER = 4,  /* with different groups */
    SHORT_LIFE_MS = 10000, /* an instance that ended so soon counts as a failure */
    LONGEST_BACKOFF_MS = 60000,
    AFTER_ASSIGNMENT_MS = 30, /* its first clients have the processors to themselves */
    LOOK_MS = 50,             /* while somebody waits for another's end */
    STALE_MS = 1000,          /* for the server to do what it does on a reload */
    IDLE_LOOK_MS = 250,
    KILL_MS = 5000,      /* for a keeper to kill everything */
    HOPELESS_MS = 10000, /* for a connection to a listener that its instance has closed */
};

struct census {
    unsigned starting, spare, owned, ending;
    struct instance *a_spare;
};

static struct census count(const struct supervisor *supervisor)
{
    struct census census = {.starting = 0};

    for (struct instance *i = supervisor->instances; i; i = i->next) {
        if (i->state == INSTANCE_STARTING)
            census.starting++;
        if (i->state == INSTANCE_ENDING)
            census.ending++;
        if (i->state == INSTANCE_SPARE && !i->only_main) {
            census.spare++;
            census.a_spare = i;
        }
        if (i->tenant && i->state != INSTANCE_MAIN)
            census.owned++;
    }
    return census;
}

/* 0, then 1, 2, 4 … seconds. */
static int64_t backoff(unsigned failures)
{
    int64_t wait = failures < 2 ? 0 : INT64_C(1000) << (failures - 2 < 10 ? failures - 2 : 10);

    return wait < LONGEST_BACKOFF_MS ? wait : LONGEST_BACKOFF_MS;
}

static void refuse_all(struct supervisor *supervisor)
{
    while (supervisor->tenants.wants_first)
        clients_refuse(supervisor, supervisor->tenants.wants_first, ACCOUNT_NO_INSTANCE, 0);
}

bool pool_needs_account(const struct supervisor *supervisor)
{
    const struct supervisor_plan *plan = supervisor->plan;

    return plan->expand &&
           (placeholders_need_account(plan->arguments, PLACEHOLDERS_ARGUMENTS) ||
               placeholders_need_account(plan->environment, PLACEHOLDERS_ENVIRONMENT));
}

static bool start_one(struct supervisor *supervisor, struct tenant *tenant)
{
    int error = instance_start(supervisor, tenant, false);

    if (error == 0)
        return true;
    supervisor_say(supervisor, true, "instance-failed", 0,
        "no instance of the server can be started: %s", strerror(-error));
    supervisor->start_failures++;
    supervisor->no_start_before = clock_now() + 1000 + backoff(supervisor->start_failures);
    refuse_all(supervisor);
    return false;
}

static void give_spares(struct supervisor *supervisor)
{
    struct tenants *tenants = &supervisor->tenants;

    while (tenants->wants_first) {
        struct census census = count(supervisor);
        struct tenant *tenant = tenants->wants_first;

        if (!census.a_spare || census.owned >= supervisor->plan->max_instances)
            return;
        tenants_want_no_more(tenants, tenant);
        instance_assign(census.a_spare, tenant);
    }
}

static void start_for_each(struct supervisor *supervisor)
{
    struct tenants *tenants = &supervisor->tenants;

    while (tenants->wants_first) {
        struct census census = count(supervisor);
        struct tenant *tenant = tenants->wants_first;

        if (census.starting >= STARTS_AT_ONCE || census.owned >= supervisor->plan->max_instances)
            return;
        if (!start_one(supervisor, tenant))
            return;
        tenants_want_no_more(tenants, tenant);
    }
}

/* Only for the next who comes: that can wait until who has come is answered. */
static bool can_wait(const struct supervisor *supervisor)
{
    return !supervisor->tenants.wants_first &&
           clock_now() < supervisor->last_assigned + AFTER_ASSIGNMENT_MS;
}

static void start_spares(struct supervisor *supervisor)
{
    while (!can_wait(supervisor)) {
        const struct supervisor_plan *plan = supervisor->plan;
        struct census census = count(supervisor);
        unsigned wanted = supervisor->tenants.wanting;

        if (census.owned >= plan->max_instances)
            wanted = 0;
        else if (wanted > plan->max_instances - census.owned)
            wanted = plan->max_instances - census.owned;
        if (census.starting + census.spare >= wanted + plan->spares ||
            census.starting >= STARTS_AT_ONCE)
            return;
        if (!start_one(supervisor, NULL))
            return;
    }
}

void pool_balance(struct supervisor *supervisor)
{
    if (supervisor->stopping || !supervisor->was_ready)
        return;
    give_spares(supervisor);
    if (clock_now() < supervisor->no_start_before)
        return;
    if (pool_needs_account(supervisor))
        start_for_each(supervisor);
    else
        start_spares(supervisor);
}

/*
 * One user is several tenants if the groups of its processes differ, and nobody says how many of
 * such there are: no more than a few of them have instances. The longest idle makes place, for who
 * comes when it has ended; one at a time, since those that end are instances, too.
 */
static bool has_enough(const struct supervisor *supervisor, const struct tenant *tenant)
{
    struct instance *longest = NULL;
    unsigned owned = 0, ending = 0;

    for (struct instance *i = supervisor->instances; i; i = i->next) {
        if (!i->tenant || i->tenant->account.uid != tenant->account.uid)
            continue;
        owned++;
        ending += i->state == INSTANCE_ENDING;
        if (i->state == INSTANCE_SERVING && !i->tenant->waiting &&
            (!longest || i->given < longest->given) && instance_connections(i) == 0)
            longest = i;
    }
    if (owned < MOST_OF_ONE_USER)
        return false;
    if (longest && ending == 0)
        instance_end(longest, 0);
    return true;
}

void pool_want(struct supervisor *supervisor, struct tenant *tenant)
{
    if (tenant->instance)
        return; /* it is on its way, or ending: pool_ended() comes back to it */
    if (!tenant->wants && has_enough(supervisor, tenant)) {
        clients_refuse(supervisor, tenant, ACCOUNT_NO_INSTANCE, EUSERS);
        return;
    }
    tenants_want(&supervisor->tenants, tenant);
    pool_balance(supervisor);
    if (tenant->wants && clock_now() < supervisor->no_start_before &&
        count(supervisor).starting == 0)
        clients_refuse(supervisor, tenant, ACCOUNT_NO_INSTANCE, 0);
}

static void failed_to_start(struct supervisor *supervisor)
{
    supervisor->start_failures++;
    supervisor->no_start_before = clock_now() + backoff(supervisor->start_failures + 1);
    if (count(supervisor).spare == 0)
        refuse_all(supervisor);
}

static void count_failure(struct tenant *tenant, const struct ending *ending)
{
    if (ending->asked || ending->lived > SHORT_LIFE_MS) {
        tenant->failures = 0;
        return;
    }
    tenant->failures++;
    tenant->not_before = clock_now() + backoff(tenant->failures);
    tenant->remembered = tenant->not_before + LONGEST_BACKOFF_MS;
}

void pool_ended(struct supervisor *supervisor, struct tenant *tenant, const struct ending *ending)
{
    if (supervisor->stopping)
        return;
    if (!supervisor->was_ready) {
        supervisor->stopping = true; /* the first has come to nothing, and its status is run's */
        return;
    }
    /* What was nobody's yet is everybody's concern; what was to be somebody's is that one's. */
    if (!tenant && !ending->asked && (!ending->waited || ending->lived <= SHORT_LIFE_MS))
        failed_to_start(supervisor);
    else if (!tenant)
        supervisor->start_failures = 0;
    if (tenant) {
        count_failure(tenant, ending);
        if (tenant->waiting && (tenant->not_before > clock_now() || !ending->waited))
            clients_refuse(supervisor, tenant, ACCOUNT_NO_INSTANCE, 0);
        else if (tenant->waiting)
            pool_want(supervisor, tenant);
        tenants_release(&supervisor->tenants, tenant, clock_now());
    }
    pool_balance(supervisor);
}

/* ---- what is due -------------------------------------------------------------------------------
 */

/*
 * An idle one goes when its time has come; one that a reload has made stale, as soon as it is idle.
 * Returns when to look again.
 */
static int64_t tend_serving(struct instance *instance, int64_t now)
{
    int64_t idle = instance->stale ? STALE_MS : instance->supervisor->plan->idle * INT64_C(1000);
    int64_t step = idle / 4 > IDLE_LOOK_MS ? idle / 4 : IDLE_LOOK_MS;
    bool busy;

    if (now < instance->next_tend)
        return instance->next_tend;
    busy = instance->tenant->waiting || instance_connections(instance) > 0;
    if (busy || instance->was_busy)
        instance->given = now;
    instance->was_busy = busy;
    if (busy || now < instance->given + idle) {
        /* Often enough to know when the last connection ended. */
        instance->next_tend = now + step;
        if (!busy)
            instance->next_tend = clock_sooner(instance->next_tend, instance->given + idle);
        return instance->next_tend;
    }
    supervisor_say(instance->supervisor, false, "instance-idle", instance->keeper.server,
        "instance %u of the server %s: it ends", instance->number,
        instance->stale ? "is idle after a reload" : "has been idle for --idle");
    instance_end(instance, 0);
    return instance->deadline;
}

/* Too late: nothing of it is left to its own. */
static int64_t tend_deadline(struct instance *instance, int64_t now)
{
    if (now < instance->deadline)
        return instance->deadline;
    supervisor_say(instance->supervisor, true, "instance-killed", instance->keeper.server,
        "instance %u of the server %s: it is killed", instance->number,
        instance->state == INSTANCE_STARTING ? "does not wait for clients after 60 s"
                                             : "has not ended after --stop-timeout");
    if (instance->killed) /* it does not hear: something that it closes keeps it */
        kill(instance->keeper.pid, SIGKILL);
    instance->killed = true;
    keeper_kill(&instance->keeper);
    instance->deadline = now + KILL_MS;
    return instance->deadline;
}

/*
 * A task that cannot be stopped keeps the keeper waiting. Its tracer's end is the end of all that
 * it has stopped; what else there is comes to us and is killed.
 */
static int64_t tend_sealing(struct instance *instance, int64_t now)
{
    if (now < instance->deadline)
        return instance->deadline;
    supervisor_say(instance->supervisor, true, "not-sealed", instance->keeper.server,
        "instance %u of the server could not be sealed in time: it is killed", instance->number);
    kill(instance->keeper.pid, SIGKILL);
    instance->deadline = now + LONGEST_BACKOFF_MS;
    return instance->deadline;
}

static int64_t tend(struct instance *instance, int64_t now)
{
    int64_t next = INT64_MAX;

    if (instance->state == INSTANCE_STARTING) {
        int left = loading_timeout(&instance->loading);

        instance_check_loading(instance, false);
        if (left >= 0)
            next = now + left;
    }
    if (instance->state == INSTANCE_SERVING)
        return tend_serving(instance, now);
    if (instance->state == INSTANCE_SEALING)
        return tend_sealing(instance, now);
    if ((instance->state == INSTANCE_STARTING || instance->state == INSTANCE_ENDING) &&
        instance->deadline)
        next = clock_sooner(next, tend_deadline(instance, now));
    return next;
}

/* Somebody waits and there is no place: the longest idle one makes it, if one is idle at all. */
static int64_t make_place(struct supervisor *supervisor, int64_t now)
{
    struct census census = count(supervisor);
    struct instance *longest = NULL;

    if (!supervisor->tenants.wants_first || supervisor->stopping)
        return INT64_MAX;
    if (census.owned < supervisor->plan->max_instances)
        return now + LOOK_MS;
    for (struct instance *i = supervisor->instances; i; i = i->next)
        if (i->state == INSTANCE_SERVING && !i->tenant->waiting && now - i->given >= LOOK_MS &&
            (!longest || i->given < longest->given) && instance_connections(i) == 0)
            longest = i;
    if (longest && census.ending < supervisor->tenants.wanting)
        instance_end(longest, 0);
    return now + LOOK_MS;
}

/* A connection to a listener that its instance does not have, or no more, waits in vain. */
static void refuse_hopeless(void *context, struct tenant *tenant)
{
    struct supervisor *supervisor = context;
    int64_t now = clock_now();

    if (tenant->instance && tenant->instance->state == INSTANCE_SERVING) {
        clients_deliver(supervisor, tenant); /* what could not be sent for want of memory */
        clients_refuse_hopeless(supervisor, tenant, now - HOPELESS_MS);
    }
    tenants_release(&supervisor->tenants, tenant, now);
}

static void forget_old(void *context, struct tenant *tenant)
{
    struct supervisor *supervisor = context;

    tenants_release(&supervisor->tenants, tenant, clock_now());
}

int pool_tick(struct supervisor *supervisor)
{
    int64_t now = clock_now(), next = INT64_MAX;

    for (struct instance *i = supervisor->instances; i; i = i->next)
        next = clock_sooner(next, tend(i, now));
    next = clock_sooner(next, make_place(supervisor, now));
    if (supervisor->tenants.waiting > 0 && now >= supervisor->next_look) {
        tenants_visit(&supervisor->tenants, refuse_hopeless, supervisor);
        supervisor->next_look = now + 1000;
    }
    if (supervisor->tenants.waiting > 0)
        next = clock_sooner(next, supervisor->next_look);
    if (now >= supervisor->next_sweep) {
        tenants_visit(&supervisor->tenants, forget_old, supervisor);
        supervisor->next_sweep = now + LONGEST_BACKOFF_MS;
    }
    if (can_wait(supervisor))
        next = clock_sooner(next, supervisor->last_assigned + AFTER_ASSIGNMENT_MS);
    if (supervisor->no_start_before > now)
        next = clock_sooner(next, supervisor->no_start_before);
    else
        pool_balance(supervisor);
    if (supervisor->listeners.paused && !supervisor->stopping) {
        if (now >= supervisor->resume)
            listeners_pause(&supervisor->listeners, false);
        else
            next = clock_sooner(next, supervisor->resume);
    }
    return next == INT64_MAX ? -1 : (int)(next > now ? clock_sooner(next - now, 1 << 30) : 0);
}
