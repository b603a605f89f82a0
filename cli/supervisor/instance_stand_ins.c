/*
 * instance_stand_ins.c: our ends of an instance's stand-ins.
 *
 * What is looked for among them is looked for with each client, so that their number is what a
 * client of somebody's costs everybody: it is as many as the instance had when it was nobody's, and
 * a few.
 */
#include "instance.h"

#include "cleanup.h"
#include "stand_in.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum {
    MOST_STAND_INS = 1024, /* its processes may each have their own, for each listener */
    MOST_LATE = 64,        /* of those that came when it was somebody's */
    FREE_LATE = 8,         /* and so many that its clients leave room for, always */
};

bool instance_is_nobodys(const struct instance *instance)
{
    return instance->state <= INSTANCE_SPARE || instance->state == INSTANCE_MAIN;
}

static void end_stand_in(struct stand_in_end *end)
{
    struct instance *instance = end->instance;

    instance->stand_in_count--;
    if (end->late) {
        instance->late_stand_ins--;
        tenants_let_go(&instance->supervisor->tenants, instance->tenant);
    }
    loop_remove(&instance->supervisor->loop, &end->source);
    kernel_close(end->source.descriptor);
    free(end);
}

void instance_forget_stand_ins(struct instance *instance)
{
    while (instance->stand_ins) {
        struct stand_in_end *end = instance->stand_ins;

        instance->stand_ins = end->next;
        end_stand_in(end);
    }
}

static void take_out(struct stand_in_end *end)
{
    struct stand_in_end **place = &end->instance->stand_ins;

    while (*place != end)
        place = &(*place)->next;
    *place = end->next;
}

/* The instance has closed its end, or there is room again. */
static void ready(void *context, uint32_t events)
{
    struct stand_in_end *end = context;
    struct instance *instance = end->instance;

    if (events & (EPOLLHUP | EPOLLERR)) {
        take_out(end);
        end_stand_in(end);
        return;
    }
    loop_change(&instance->supervisor->loop, &end->source, 0);
    end->full = false;
    if (instance->state == INSTANCE_SERVING)
        clients_deliver_at(instance->supervisor, instance->tenant, end->listener);
}

/* One that was nobody's when it was told to end has no tenant. */
static bool is_somebodys(const struct instance *instance)
{
    return instance->tenant && !instance_is_nobodys(instance);
}

static bool has_enough(const struct instance *instance)
{
    if (instance->stand_in_count >= MOST_STAND_INS || instance->late_stand_ins >= MOST_LATE)
        return true;
    return is_somebodys(instance) && instance->late_stand_ins >= FREE_LATE &&
           clients_have_their_share(instance->supervisor, instance->tenant);
}

static void put(struct instance *instance, struct stand_in_end *end)
{
    instance->stand_in_count++;
    end->late = is_somebodys(instance);
    if (end->late) {
        instance->late_stand_ins++;
        tenants_hold(&instance->supervisor->tenants, instance->tenant);
    }
    end->next = instance->stand_ins;
    instance->stand_ins = end;
}

int instance_add_stand_in(struct instance *instance, uint32_t listener, int *theirs)
{
    cleanup_memory struct stand_in_end *end = calloc(1, sizeof *end);
    int pair[2], error = end ? 0 : -ENOMEM;

    if (error == 0 && has_enough(instance))
        error = -ENFILE;
    if (error == 0)
        error = stand_in_make(pair);
    if (error < 0)
        return error;
    *theirs = pair[1];
    end->instance = instance;
    end->listener = listener;
    kernel_socket_cookie(pair[1], &end->cookie);
    end->source = (struct source){.descriptor = pair[0], .ready = ready, .context = end};
    error = loop_add(&instance->supervisor->loop, &end->source);
    if (error < 0) {
        kernel_close(pair[0]);
        return error;
    }
    put(instance, memory_steal(&end));
    return 0;
}

static void move_to_end(struct instance *instance, struct stand_in_end *end)
{
    struct stand_in_end **place = &instance->stand_ins;

    take_out(end);
    while (*place)
        place = &(*place)->next;
    *place = end;
    end->next = NULL;
}

struct stand_in_end *instance_stand_in(struct instance *instance, uint32_t listener)
{
    struct stand_in_end *found = NULL;

    for (struct stand_in_end *end = instance->stand_ins; end; end = end->next)
        if (end->listener == listener && (!found || (found->full && !end->full)))
            found = end;
    if (found && instance->stand_ins->next)
        move_to_end(instance, found);
    return found;
}

bool instance_has_under_way(const struct instance *instance)
{
    for (const struct stand_in_end *end = instance->stand_ins; end; end = end->next) {
        int bytes = 0;

        if (ioctl(end->source.descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0)
            return true;
    }
    return false;
}
