/* supervisor.c: see supervisor.h. The loop, the signals, and what the service manager is told. */
#include "supervisor.h"

#include "account/cache.h"
#include "cleanup.h"
#include "clock.h"
#include "command.h"
#include "instance.h"
#include "list_server.h"
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGH_DESCRIPTORS = 1024, MOST_DESCRIPTORS = 65536, STATUS_MS = 1000 };

void supervisor_say(const struct supervisor *supervisor, bool always, const char *name, pid_t pid,
    const char *format, ...)
{
    char text[1024];
    va_list list;

    if (!always && !supervisor->plan->verbose)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    event_log_notice(supervisor->plan->log, name, pid, text);
}

/* How many wait changes all the time: that alone is told once a second. Returns when it is due. */
static int64_t tell_status(struct supervisor *supervisor)
{
    struct told *told = &supervisor->told, is = {.waiting = supervisor->tenants.waiting};
    int64_t now = clock_now();

    for (const struct instance *i = supervisor->instances; i; i = i->next) {
        is.serving += i->state == INSTANCE_SERVING || i->state == INSTANCE_SEALING;
        is.spare += i->state == INSTANCE_SPARE && !i->only_main;
    }
    if (is.serving == told->serving && is.spare == told->spare && is.waiting == told->waiting)
        return INT64_MAX;
    if (is.serving == told->serving && is.spare == told->spare && now < told->next)
        return told->next;
    is.next = now + STATUS_MS;
    *told = is;
    notify_status(
        "%u accounts served, %u spare, %u clients waiting", is.serving, is.spare, is.waiting);
    return INT64_MAX;
}

void supervisor_is_ready(struct supervisor *supervisor)
{
    if (supervisor->was_ready)
        return;
    supervisor->was_ready = true;
    notify_ready();
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void refuse_tenant(void *context, struct tenant *tenant)
{
    clients_refuse(context, tenant, ACCOUNT_NO_INSTANCE, ESHUTDOWN);
}

void supervisor_stop(struct supervisor *supervisor, int signal)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->main_deadline = clock_now() + supervisor->plan->stop_timeout * INT64_C(1000);
    notify_stopping();
    listeners_close(&supervisor->listeners); /* who comes is refused, and another may take over */
    supervisor->listeners.paused = true;
    tenants_visit(&supervisor->tenants, refuse_tenant, supervisor);
    for (struct instance *i = supervisor->instances; i; i = i->next)
        instance_end(i, signal);
}

/* ---- list --------------------------------------------------------------------------------------
 */

static void describe(struct instance *instance, struct list_entry *entry)
{
    static const uint32_t states[] = {[INSTANCE_STARTING] = LIST_STARTING,
        [INSTANCE_SPARE] = LIST_SPARE,
        [INSTANCE_SEALING] = LIST_SERVING,
        [INSTANCE_SERVING] = LIST_SERVING,
        [INSTANCE_ENDING] = LIST_ENDING,
        [INSTANCE_MAIN] = LIST_MAIN};
    int64_t now = clock_now();

    *entry = (struct list_entry){.state = instance->only_main ? LIST_MAIN : states[instance->state],
        .number = instance->number,
        .uid = (uid_t)-1,
        .pid = instance->keeper.server,
        .age_ms = (uint64_t)(now - instance->started),
        .connections = instance_connections(instance)};
    if (!instance->tenant)
        return;
    entry->assigned = true;
    entry->uid = instance->tenant->account.uid;
    entry->waiting = instance->tenant->waiting;
    entry->idle_ms = entry->connections ? 0 : (uint64_t)(now - instance->given);
    instance_account_name(entry->uid, entry->account, sizeof entry->account);
}

static unsigned each(void *context, unsigned index, struct list_entry *entry)
{
    const struct supervisor *supervisor = context;
    struct instance *instance = supervisor->instances;

    while (instance && index-- > 0)
        instance = instance->next;
    if (instance)
        describe(instance, entry);
    return instance != NULL;
}

static void list_ready(void *context, uint32_t events)
{
    struct supervisor *supervisor = context;

    (void)events;
    loop_hurry();
    list_server_answer(supervisor->list_source.descriptor, each, supervisor);
    loop_hurry_no_more();
}

/* Without it there is no list; the service works all the same. */
static void open_list(struct supervisor *supervisor)
{
    int listener = list_server_open(supervisor->plan->run ? supervisor->plan->run : getpid());

    supervisor->list_source = (struct source){
        .descriptor = listener, .events = EPOLLIN, .ready = list_ready, .context = supervisor};
    if (listener < 0 || loop_add(&supervisor->loop, &supervisor->list_source) < 0) {
        supervisor->list_source.ready = NULL;
        supervisor_say(supervisor, true, "no-list", 0,
            "wsapeer list will not find this supervisor: its socket cannot be opened: %s",
            strerror(listener < 0 ? -listener : ENOMEM));
    }
}

/* ---- the beginning -----------------------------------------------------------------------------
 */

static void notify_arrived(void *context, uint32_t events)
{
    struct supervisor *supervisor = context;
    pid_t pid;
    uid_t uid;

    bool ready;

    (void)events;
    loop_hurry();
    ready = notify_inner_is_ready(supervisor->notify_source.descriptor, &pid, &uid);
    loop_hurry_no_more();
    if (ready && !supervisor->was_ready && uid == getuid())
        notify_ready();
}

/* Each client that waits for its instance is a descriptor. More than was given, if we may. */
static int raise_limit(void)
{
    struct rlimit limit, more;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    more.rlim_cur = more.rlim_max =
        limit.rlim_max < MOST_DESCRIPTORS ? MOST_DESCRIPTORS : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

/* A number that is free in every instance, out of the way of the server's own. */
static int keep_place(const struct supervisor *supervisor)
{
    cleanup_descriptor int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    rlim_t most = supervisor->plan->descriptors.rlim_cur;
    int from = most > HIGH_DESCRIPTORS ? HIGH_DESCRIPTORS - 64 : (int)most / 2;

    return kernel_fcntl(null, F_DUPFD_CLOEXEC, from > STDERR_FILENO ? from : STDERR_FILENO + 1);
}

static int open_supervisor(struct supervisor *supervisor)
{
    int error = loop_open(&supervisor->loop);

    if (error == 0)
        error = raise_limit();
    if (error == 0)
        error = supervisor_open_signals(supervisor);
    if (error == 0)
        supervisor->place = keep_place(supervisor);
    if (error == 0 && supervisor->place < 0)
        error = supervisor->place;
    if (error == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        error = -errno;
    if (error < 0)
        return error;
    prctl(PR_SET_DUMPABLE, 0);
    policy_serve_sealed(supervisor->plan->policy);
    cache_set_lifetime(supervisor->plan->settings.lifetime_ms);
    tenants_init(&supervisor->tenants);
    supervisor->listeners = (struct listeners){
        .loop = &supervisor->loop, .accept = clients_accept, .context = supervisor};
    open_list(supervisor);
    supervisor->notify_source = (struct source){.descriptor = supervisor->plan->notify_inner,
        .events = EPOLLIN,
        .ready = notify_arrived,
        .context = supervisor};
    if (supervisor->plan->notify_inner < 0 ||
        loop_add(&supervisor->loop, &supervisor->notify_source) < 0)
        supervisor->notify_source.ready = NULL;
    return 0;
}

static int start_first(struct supervisor *supervisor)
{
    if (!supervisor->plan->run)
        return instance_start(supervisor, NULL, pool_needs_account(supervisor));
    main_process_watch(supervisor);
    return instance_adopt_main(supervisor);
}

static bool is_over(const struct supervisor *supervisor)
{
    for (const struct instance *i = supervisor->instances; i; i = i->next)
        if (i->state != INSTANCE_MAIN)
            return false;
    return supervisor->stopping && !supervisor->main_lives;
}

static int serve(struct supervisor *supervisor)
{
    int error = 0;

    while (error == 0 && !is_over(supervisor)) {
        int64_t tick = clock_sooner(pool_tick(supervisor), event_log_tick(supervisor->plan->log));
        int64_t status = tell_status(supervisor);

        tick = clock_sooner(tick, main_process_tick(supervisor));
        if (is_over(supervisor))
            break;
        if (status < INT64_MAX)
            tick = clock_sooner(tick, status - clock_now() + 1);
        error = loop_wait(&supervisor->loop, (int)tick);
    }
    return error;
}

int supervisor_run(const struct supervisor_plan *plan, int *signal)
{
    struct supervisor supervisor = {.plan = plan, .place = -1};
    int error = open_supervisor(&supervisor);

    *signal = 0;
    if (error == 0)
        error = start_first(&supervisor);
    if (error == 0)
        error = serve(&supervisor);
    listeners_close(&supervisor.listeners);
    if (error < 0) {
        complain("run: the supervisor: %s", strerror(-error));
        return EXIT_FAILED;
    }
    if (WIFSIGNALED(supervisor.status))
        *signal = WTERMSIG(supervisor.status);
    return WIFEXITED(supervisor.status) ? WEXITSTATUS(supervisor.status) : 0;
}
