#include "tenants.h"

#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tenants_init(struct tenants *tenants)
{
    *tenants = (struct tenants){.waiting = 0};
    tenants->wants_end = &tenants->wants_first;
}

static bool is_same(const struct account *a, const struct account *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->group_count == b->group_count &&
           memcmp(a->groups, b->groups, a->group_count * sizeof a->groups[0]) == 0;
}

static struct tenant **bucket_of(struct tenants *tenants, uid_t uid)
{
    return &tenants->buckets[(uid * UINT32_C(2654435761) >> 16) % TENANT_BUCKETS];
}

static int compare(const void *a, const void *b)
{
    gid_t one = *(const gid_t *)a, other = *(const gid_t *)b;

    return one < other ? -1 : one > other;
}

struct tenant *tenants_of(struct tenants *tenants, const struct account *account)
{
    struct tenant **bucket = bucket_of(tenants, account->uid), *tenant;
    struct account sorted = *account;

    /* The kernel keeps them sorted, a directory gives them as it likes. */
    qsort(sorted.groups, sorted.group_count, sizeof sorted.groups[0], compare);
    for (tenant = *bucket; tenant; tenant = tenant->next)
        if (is_same(&tenant->account, &sorted))
            return tenant;
    tenant = calloc(1, sizeof *tenant);
    if (!tenant)
        return NULL;
    tenant->account = sorted;
    tenant->next = *bucket;
    *bucket = tenant;
    return tenant;
}

void tenants_release(struct tenants *tenants, struct tenant *tenant, int64_t now)
{
    struct tenant **place = bucket_of(tenants, tenant->account.uid);

    if (tenant->instance || tenant->queues || tenant->wants)
        return;
    if (tenant->failures && tenant->remembered > now)
        return;
    while (*place != tenant)
        place = &(*place)->next;
    *place = tenant->next;
    free(tenant);
}

void tenants_visit(
    struct tenants *tenants, void (*visit)(void *context, struct tenant *tenant), void *context)
{
    for (unsigned i = 0; i < TENANT_BUCKETS; i++)
        for (struct tenant *tenant = tenants->buckets[i], *next; tenant; tenant = next) {
            next = tenant->next;
            visit(context, tenant);
        }
}

struct queue *tenants_queue(const struct tenant *tenant, uint32_t listener)
{
    struct queue *queue = tenant->queues;

    while (queue && queue->listener != listener)
        queue = queue->next;
    return queue;
}

static struct queue *begin_queue(struct tenant *tenant, uint32_t listener)
{
    struct queue *queue = malloc(sizeof *queue);

    if (!queue)
        return NULL;
    *queue = (struct queue){.next = tenant->queues, .listener = listener, .end = &queue->first};
    tenant->queues = queue;
    return queue;
}

static void end_queue(struct tenant *tenant, struct queue *queue)
{
    struct queue **place = &tenant->queues;

    while (*place != queue)
        place = &(*place)->next;
    *place = queue->next;
    free(queue);
}

int tenants_wait(struct tenants *tenants, struct tenant *tenant, int connection, uint32_t listener,
    const struct identity *peer, int64_t now)
{
    cleanup_memory struct waiting *waiting = malloc(sizeof *waiting);
    struct queue *queue = tenants_queue(tenant, listener);

    if (waiting && !queue)
        queue = begin_queue(tenant, listener);
    if (!waiting || !queue)
        return -ENOMEM;
    *waiting = (struct waiting){.connection = connection, .since = now, .peer = *peer};
    *queue->end = waiting;
    queue->end = &waiting->next;
    memory_steal(&waiting);
    tenant->waiting++;
    tenants->waiting++;
    return 0;
}

void tenants_hold(struct tenants *tenants, struct tenant *tenant)
{
    tenant->held++;
    tenants->held++;
}

void tenants_let_go(struct tenants *tenants, struct tenant *tenant)
{
    tenant->held--;
    tenants->held--;
}

bool tenants_has_its_share(
    const struct tenants *tenants, const struct tenant *tenant, unsigned most)
{
    unsigned taken = tenants->waiting + tenants->held;

    return most <= taken || tenant->waiting + tenant->held >= (most - taken) / 2;
}

struct waiting *tenants_take(struct tenants *tenants, struct tenant *tenant, struct queue *queue)
{
    struct waiting *taken = queue->first;

    queue->first = taken->next;
    if (!queue->first)
        end_queue(tenant, queue);
    tenant->waiting--;
    tenants->waiting--;
    return taken;
}

void tenants_want(struct tenants *tenants, struct tenant *tenant)
{
    if (tenant->wants)
        return;
    tenant->wants = true;
    tenant->next_wants = NULL;
    *tenants->wants_end = tenant;
    tenants->wants_end = &tenant->next_wants;
    tenants->wanting++;
}

void tenants_want_no_more(struct tenants *tenants, struct tenant *tenant)
{
    struct tenant **place = &tenants->wants_first;

    if (!tenant->wants)
        return;
    while (*place != tenant)
        place = &(*place)->next_wants;
    *place = tenant->next_wants;
    if (tenants->wants_end == &tenant->next_wants)
        tenants->wants_end = place;
    tenant->wants = false;
    tenants->wanting--;
}
