/*
 * clients.c: the way of one connection through the supervisor: accept, identity, policy, the queue
 * of its account, that account's instance.
 */
#include "instance.h"

#include "account/attested.h"
#include "account/cache.h"
#include "cleanup.h"
#include "clock.h"
#include "stand_in.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CLIENTS_A_TURN = 64, /* of one listener, before the others have theirs */
    PAUSE_MS = 200,
};

/* Policy's answer, remembered for as long as the library remembers one. */
static enum account_verdict decide(const struct supervisor *supervisor, const struct identity *peer,
    int connection, struct account *account, int *error)
{
    struct cached_answer answer;

    *error = peer->error;
    if (peer->kind == IDENTITY_NONE)
        return ACCOUNT_NO_IDENTITY;
    *error = 0;
    if (!cache_find(peer, &answer, account)) {
        struct policy_decision decision;

        policy_decide(supervisor->plan->policy, peer, &decision);
        answer = (struct cached_answer){decision.verdict, decision.as_itself};
        *account = decision.account;
        *error = decision.error;
        if (decision.verdict != ACCOUNT_DIRECTORY_ERROR)
            cache_remember(peer, &answer, account);
    }
    if (answer.verdict == ACCOUNT_SERVED && answer.as_itself &&
        peer->source == IDENTITY_SOURCE_PEERCRED)
        return account_take_attested(peer, connection, account, error);
    return answer.verdict;
}

static void report(const struct supervisor *supervisor, enum event_kind event,
    const struct identity *peer, uid_t account, enum account_verdict verdict, int error)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = event,
        .verdict = verdict,
        .error = error,
        .account_uid = account,
        .peer = *peer};

    event_log_report(supervisor->plan->log, &request, 0, supervisor->plan->policy);
}

/* Its other end may have filled it, and let go of it meanwhile. */
static void close_quickly(int connection)
{
    loop_hurry();
    kernel_close(connection);
    loop_hurry_no_more();
}

/* The client sees a reset at once instead of a server that never answers. */
static void reset(int connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    kernel_setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_quickly(connection);
}

static void refuse(const struct supervisor *supervisor, int connection, const struct identity *peer,
    enum account_verdict verdict, int error)
{
    report(supervisor, EVENT_REFUSED, peer, (uid_t)-1, verdict, error);
    reset(connection);
}

/* A quarter of the descriptors is for all else. */
bool clients_have_their_share(const struct supervisor *supervisor, const struct tenant *tenant)
{
    struct rlimit64 limit = {0};
    unsigned most = UINT32_MAX;

    kernel_getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < UINT32_MAX)
        most = (unsigned)(limit.rlim_cur - limit.rlim_cur / 4);
    return tenants_has_its_share(&supervisor->tenants, tenant, most);
}

static void lodge(struct supervisor *supervisor, const struct listener *listener, int connection,
    const struct identity *peer, const struct account *account)
{
    struct tenant *tenant = tenants_of(&supervisor->tenants, account);
    bool is_first = tenant && !tenants_queue(tenant, listener->number);
    int64_t now = clock_now();
    int error = -ENOMEM;

    if (tenant && tenant->not_before > now)
        error = -EAGAIN;
    else if (tenant && clients_have_their_share(supervisor, tenant))
        error = -ENOBUFS;
    else if (tenant)
        error = tenants_wait(&supervisor->tenants, tenant, connection, listener->number, peer, now);
    if (error < 0) {
        refuse(supervisor, connection, peer, ACCOUNT_NO_INSTANCE, -error);
        return;
    }
    if (!tenant->instance || tenant->instance->state != INSTANCE_SERVING)
        pool_want(supervisor, tenant);
    else if (is_first) /* what waits before it has no room either, and an event will say so */
        clients_deliver_at(supervisor, tenant, listener->number);
}

static void take(struct supervisor *supervisor, const struct listener *listener, int connection)
{
    struct identity peer;
    struct account account;
    enum account_verdict verdict;
    int error;

    identity_of_connection(connection, &peer);
    verdict = decide(supervisor, &peer, connection, &account, &error);
    if (verdict == ACCOUNT_SERVED)
        lodge(supervisor, listener, connection, &peer, &account);
    else
        refuse(supervisor, connection, &peer, verdict, error);
}

/* Descriptors or memory are short: clients wait in the kernel's queues. */
static void pause_for_a_while(struct supervisor *supervisor)
{
    listeners_pause(&supervisor->listeners, true);
    supervisor->resume = clock_now() + PAUSE_MS;
}

void clients_accept(void *context, struct listener *listener)
{
    struct supervisor *supervisor = context;

    for (int i = 0; i < CLIENTS_A_TURN && !supervisor->stopping; i++) {
        int connection = accept4(listener->source.descriptor, NULL, NULL, SOCK_CLOEXEC);

        if (connection >= 0) {
            take(supervisor, listener, connection);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_for_a_while(supervisor);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* Sent, and ours no more. */
static void delivered(struct supervisor *supervisor, struct tenant *tenant, struct waiting *waiting)
{
    struct instance *instance = tenant->instance;

    instance->given = clock_now();
    if (connections_are_full(&instance->connections))
        instance_connections(instance);
    connections_note(&instance->connections, waiting->connection);
    report(supervisor, EVENT_SERVED, &waiting->peer, tenant->account.uid, ACCOUNT_SERVED, 0);
    close_quickly(waiting->connection);
    free(waiting);
}

/*
 * The first of the queue to a stand-in that has room; those that turn out to be full are asked
 * again when they have, and those that are closed already go when that is heard.
 */
static int deliver(
    struct supervisor *supervisor, struct instance *instance, const struct queue *queue)
{
    for (;;) {
        struct stand_in_end *end = instance_stand_in(instance, queue->listener);
        int error;

        if (!end || end->full)
            return -EAGAIN;
        error = stand_in_deliver(end->source.descriptor, queue->first->connection);
        if (error != -EAGAIN && error != -EPIPE && error != -ECONNRESET)
            return error;
        end->full = true;
        if (error == -EAGAIN)
            loop_change(&supervisor->loop, &end->source, EPOLLOUT);
    }
}

static void deliver_queue(struct supervisor *supervisor, struct tenant *tenant, struct queue *queue)
{
    bool more = true;

    while (more && deliver(supervisor, tenant->instance, queue) == 0) {
        struct waiting *taken = tenants_take(&supervisor->tenants, tenant, queue);

        more = taken->next;
        delivered(supervisor, tenant, taken);
    }
}

void clients_deliver(struct supervisor *supervisor, struct tenant *tenant)
{
    for (struct queue *queue = tenant->queues, *next; queue; queue = next) {
        next = queue->next;
        deliver_queue(supervisor, tenant, queue);
    }
}

void clients_deliver_at(struct supervisor *supervisor, struct tenant *tenant, uint32_t listener)
{
    struct queue *queue = tenants_queue(tenant, listener);

    if (queue)
        deliver_queue(supervisor, tenant, queue);
}

/* Returns whether there are more. */
static bool refuse_first(struct supervisor *supervisor, struct tenant *tenant, struct queue *queue,
    enum account_verdict verdict, int error)
{
    struct waiting *waiting = tenants_take(&supervisor->tenants, tenant, queue);
    bool more = waiting->next;

    refuse(supervisor, waiting->connection, &waiting->peer, verdict, error);
    free(waiting);
    return more;
}

void clients_refuse_hopeless(struct supervisor *supervisor, struct tenant *tenant, int64_t since)
{
    for (struct queue *queue = tenant->queues, *next; queue; queue = next) {
        bool more = !instance_stand_in(tenant->instance, queue->listener);

        next = queue->next;
        while (more && queue->first->since < since)
            more = refuse_first(supervisor, tenant, queue, ACCOUNT_NO_INSTANCE, ENOTCONN);
    }
}

void clients_refuse(
    struct supervisor *supervisor, struct tenant *tenant, enum account_verdict verdict, int error)
{
    tenants_want_no_more(&supervisor->tenants, tenant);
    while (tenant->queues)
        refuse_first(supervisor, tenant, tenant->queues, verdict, error);
}
