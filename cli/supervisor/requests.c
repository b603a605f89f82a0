/*
 * requests.c: what an instance asks about listeners.
 *
 * Everything in a request is a stranger's word: numbers are looked up, addresses are compared, and
 * a socket is what the kernel says it is. From an instance that is somebody's, nothing is taken
 * over.
 */
#include "instance.h"

#include "cleanup.h"
#include "descriptors.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The one that started first: it is never anybody's, and has what passes untouched. */
static bool is_first(const struct instance *instance)
{
    return instance->state == INSTANCE_MAIN || instance->only_main ||
           !instance->supervisor->was_ready;
}

/*
 * What one instance alone has goes when that one ends. Who is somebody's can neither have it nor
 * keep it.
 */
static bool is_anothers(const struct instance *instance, const struct listener *listener)
{
    if (listener->asked.untouched && is_first(instance))
        return true; /* its own affair, which it binds again as it likes */
    return !instance_is_nobodys(instance) && listener->alone_of &&
           listener->alone_of != instance->number;
}

static void share(struct instance *instance, const struct listener *listener)
{
    if (instance_is_nobodys(instance))
        listeners_share(&instance->supervisor->listeners, listener->number, instance->number);
}

static void answer_result(int reply, int result)
{
    struct stand_in none = {.magic = PROTOCOL_MAGIC, .result = result};

    descriptors_send(reply, &none, sizeof none, -1);
}

static void give(struct instance *instance, const struct listener *listener, int reply)
{
    cleanup_descriptor int theirs = -1;
    int error = instance_add_stand_in(instance, listener->number, &theirs);

    if (error < 0) {
        answer_result(reply, error);
        return;
    }
    descriptors_send(reply, &listener->facts, sizeof listener->facts, theirs);
    if (instance->state == INSTANCE_SERVING)
        clients_deliver_at(instance->supervisor, instance->tenant, listener->number);
}

/* Asked of the kernel: that it was closed may not have been heard yet. */
static bool is_open(const struct stand_in_end *end)
{
    struct pollfd set = {.fd = end->source.descriptor};

    return poll(&set, 1, 0) == 0 || !(set.revents & (POLLHUP | POLLERR));
}

/* Or never will. */
static bool has_it(const void *context, const struct listener *listener)
{
    const struct instance *instance = context;

    for (const struct stand_in_end *end = instance->stand_ins; end; end = end->next)
        if (end->listener == listener->number && is_open(end))
            return true;
    return is_anothers(instance, listener);
}

/* The oldest goes when there are too many: an instance that binds so many forgets only its own. */
static void binds(struct instance *instance, uint64_t cookie, const struct listener *listener)
{
    if (cookie == 0) /* it only asks */
        return;
    instance->bound[instance->next_bound++ % BOUND_REMEMBERED] =
        (struct bound){cookie, listener->number};
    share(instance, listener);
}

static uint32_t find_bound(const struct instance *instance, uint64_t cookie)
{
    for (unsigned i = 0; i < BOUND_REMEMBERED; i++)
        if (instance->bound[i].listener && instance->bound[i].cookie == cookie)
            return instance->bound[i].listener;
    return 0;
}

static bool has_or_binds_it(const void *context, const struct listener *listener)
{
    const struct instance *instance = context;

    for (unsigned i = 0; i < BOUND_REMEMBERED; i++)
        if (instance->bound[i].listener == listener->number)
            return true;
    return has_it(instance, listener);
}

/* What it has not bound either; but that may have been closed again. */
static const struct listener *find_for(
    const struct instance *instance, const struct request_socket *asked)
{
    const struct listeners *listeners = &instance->supervisor->listeners;
    const struct listener *found = listeners_match(listeners, asked, has_or_binds_it, instance)
                                       ?: listeners_match(listeners, asked, has_it, instance)
                                       ?: listeners_match_shared(listeners, asked);

    return found && !is_anothers(instance, found) ? found : NULL;
}

static void bind_it(struct instance *instance, const struct request_socket *asked, int reply)
{
    const struct listener *listener = find_for(instance, asked);

    if (listener) {
        binds(instance, asked->cookie, listener);
        descriptors_send(reply, &listener->facts, sizeof listener->facts, -1);
    } else {
        answer_result(reply, -ENOENT);
    }
}

static void listen_on_it(struct instance *instance, uint32_t number, int reply)
{
    const struct listener *listener = listeners_find(&instance->supervisor->listeners, number);

    /* Several may listen on one socket that was bound before they were forked: each has its own. */
    if (listener && !is_anothers(instance, listener))
        give(instance, listener, reply);
    else
        answer_result(reply, -ENOENT);
}

static void take_offer(
    struct instance *instance, const struct request_socket *asked, int socket, int reply)
{
    struct listeners *listeners = &instance->supervisor->listeners;
    uint32_t before = listeners->last_number;
    struct listener *listener;
    int error = -EPERM;

    if (instance_is_nobodys(instance))
        error = listeners_offer(listeners, asked, socket, &listener);
    if (error < 0) {
        answer_result(reply, error);
        return;
    }
    /* The first's are everybody's. */
    if (listener->number > before && instance->supervisor->was_ready)
        listener->alone_of = instance->number;
    share(instance, listener);
    if (listener->asked.untouched && is_first(instance)) {
        answer_result(reply, -EPERM);
        return;
    }
    give(instance, listener, reply);
    if (instance->state == INSTANCE_MAIN) /* that is why it asked */
        supervisor_is_ready(instance->supervisor);
}

static void tell_which(const struct instance *instance, uint64_t cookie, int reply)
{
    uint32_t number = find_bound(instance, cookie);
    const struct listener *listener;
    struct stand_in answer;
    bool listens = false;

    for (const struct stand_in_end *end = instance->stand_ins; end && !listens; end = end->next)
        if (end->cookie == cookie) {
            number = end->listener;
            listens = true;
        }
    listener = number ? listeners_find(&instance->supervisor->listeners, number) : NULL;
    if (!listener) {
        answer_result(reply, -ENOENT);
        return;
    }
    answer = listener->facts;
    answer.listens = listens;
    descriptors_send(reply, &answer, sizeof answer, -1);
}

/* The instances are one command: each sets what the first has set. */
static void set_option(const struct instance *instance, const struct request *request)
{
    const struct request_option *option = &request->option;

    if (instance_is_nobodys(instance) && option->size <= sizeof option->value)
        listeners_set_option(&instance->supervisor->listeners, request->socket.listener, option);
}

static void decide(int reply)
{
    struct decision decision = {.magic = PROTOCOL_MAGIC, .isolation = ISOLATION_INSTANCES};

    descriptors_send(reply, &decision, sizeof decision, -1);
}

/* Who starts an instance is not to take another, or the first process, for the service itself. */
static void tell_whether_ours(const struct instance *instance, pid_t pid, int reply)
{
    const struct supervisor *supervisor = instance->supervisor;
    bool ours = pid == supervisor->plan->run || pid == supervisor->main || pid == getpid();

    for (const struct instance *i = supervisor->instances; i && !ours; i = i->next)
        ours = i != instance && i->keeper.server == pid;
    answer_result(reply, ours && pid > 0 ? 0 : -ENOENT);
}

void requests_handle(
    void *context, const struct request *request, pid_t pid, int reply, int attached)
{
    struct instance *instance = context;
    const struct request_socket *socket = &request->socket;

    (void)pid;
    switch (request->kind) {
    case REQUEST_SERVES:
        decide(reply);
        break;
    case REQUEST_BIND:
        bind_it(instance, socket, reply);
        break;
    case REQUEST_LISTEN:
        listen_on_it(instance, socket->listener, reply);
        break;
    case REQUEST_OFFER:
        take_offer(instance, socket, attached, reply);
        break;
    case REQUEST_WHICH:
        tell_which(instance, socket->cookie, reply);
        break;
    case REQUEST_OPTION:
        set_option(instance, request);
        break;
    case REQUEST_OTHERS:
        tell_whether_ours(instance, request->pid, reply);
        break;
    case REQUEST_WAITS:
        instance_waits(instance);
        break;
    default:
        break;
    }
}
