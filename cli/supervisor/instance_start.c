/* instance_start.c: how an instance comes to be. */
#include "instance.h"

#include "cleanup.h"
#include "clock.h"
#include "instance_tmp.h"
#include "placeholders.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_SECONDS = 60 };

const char *instance_account_name(uid_t uid, char *space, size_t size)
{
    const struct passwd *entry = getpwuid(uid);

    if (entry)
        snprintf(space, size, "%s", entry->pw_name);
    else
        snprintf(space, size, "%u", uid);
    return space;
}

struct command {
    char **arguments, **environment; /* allocated */
};

static void command_cleanup(struct command *command)
{
    placeholders_free(command->arguments);
    placeholders_free(command->environment);
}

static int set_variable(char ***environment, const char *name, const char *value)
{
    size_t count = 0, length = strlen(name);
    char **list = *environment, *string;

    if (asprintf(&string, "%s=%s", name, value) < 0)
        return -ENOMEM;
    while (list[count] && (strncmp(list[count], name, length) != 0 || list[count][length] != '='))
        count++;
    if (!list[count]) {
        list = reallocarray(list, count + 2, sizeof *list);
        if (!list) {
            free(string);
            return -ENOMEM;
        }
        list[count + 1] = NULL;
        list[count] = NULL;
        *environment = list;
    }
    free(list[count]);
    list[count] = string;
    return 0;
}

static int make_command(const struct instance *instance, struct command *command)
{
    const struct supervisor_plan *plan = instance->supervisor->plan;
    const struct tenant *tenant = instance->tenant;
    char name[64], channel[16];
    struct placeholder_values values = {
        .uid = tenant ? tenant->account.uid : getuid(), .instance = instance->number};
    const struct placeholder_values *meant = plan->expand ? &values : NULL;
    int error;

    if (plan->expand)
        values.name = instance_account_name(values.uid, name, sizeof name);
    error =
        placeholders_expand(plan->arguments, meant, PLACEHOLDERS_ARGUMENTS, &command->arguments);
    if (error == 0)
        error = placeholders_expand(
            plan->environment, meant, PLACEHOLDERS_ENVIRONMENT, &command->environment);
    if (error < 0)
        return error;
    snprintf(channel, sizeof channel, PROTOCOL_CHANNEL_FORMAT, instance->supervisor->place);
    error = set_variable(&command->environment, PROTOCOL_CHANNEL_VARIABLE, channel);
    if (error == 0 && instance->directory[0])
        error = set_variable(&command->environment, "TMPDIR", instance->directory);
    if (error == 0 && plan->notify)
        error = set_variable(&command->environment, "NOTIFY_SOCKET", plan->notify);
    return error;
}

/* Under the keeper, with the server's end of the channel at the number that the variable names. */
static int start_keeper(struct instance *instance, const struct command *command, int channel)
{
    const struct supervisor_plan *plan = instance->supervisor->plan;
    struct keeper_plan keeper = {.program = plan->program,
        .arguments = command->arguments,
        .environment = command->environment,
        .takes_sockets = plan->takes_sockets,
        .output = STDOUT_FILENO,
        .log = STDERR_FILENO,
        .descriptors = plan->descriptors,
        .mask = plan->mask,
        .ignored = plan->ignored};
    unsigned count = 0;
    int place = instance->supervisor->place, error;
    cleanup_descriptor int kept = kernel_fcntl(place, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    while (count < 14 && plan->inherited[count] >= 0) {
        keeper.inherited[count] = plan->inherited[count];
        count++;
    }
    keeper.inherited[count++] = place;
    keeper.inherited[count] = -1;
    if (kept < 0 || dup3(channel, place, O_CLOEXEC) < 0)
        return -EMFILE;
    error = keeper_start(&keeper, &instance->keeper);
    dup3(kept, place, O_CLOEXEC);
    return error;
}

/* Watched from before its execve on; from then on its end is told by the keeper. */
static int let_go(struct instance *instance)
{
    struct loop *loop = &instance->supervisor->loop;
    int error = loading_begin(
        &instance->loading, instance->keeper.server, instance->supervisor->plan->library);

    instance->resolver.server = instance->keeper.server;
    instance->keeper_source = (struct source){.descriptor = instance->keeper.socket,
        .events = EPOLLIN,
        .ready = instance_keeper_ready,
        .context = instance};
    if (error == 0)
        error = loop_add(loop, &instance->keeper_source);
    if (error == 0)
        error = loop_add(loop, &instance->channel_source);
    if (error == 0)
        error = keeper_go(&instance->keeper);
    loading_executed(&instance->loading);
    return error;
}

/* Nobody would hear how it ends: what waits to execute the server ends with its keeper. */
static void abandon(struct instance *instance)
{
    loop_remove(&instance->supervisor->loop, &instance->keeper_source);
    loading_end(&instance->loading);
    descriptor_cleanup(&instance->loading.process);
    kernel_close(instance->keeper.socket);
    kill(instance->keeper.pid, SIGKILL);
    while (waitpid(instance->keeper.pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int open_channel(struct instance *instance, int *theirs)
{
    const struct supervisor_plan *plan = instance->supervisor->plan;
    int pair[2], error = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);

    if (error < 0)
        return error;
    *theirs = pair[1];
    instance->resolver = (struct resolver){.policy = plan->policy,
        .log = plan->log,
        .settings = plan->settings,
        .channel = pair[0],
        .other = requests_handle,
        .context = instance};
    instance->channel_source = (struct source){.descriptor = pair[0],
        .events = EPOLLIN,
        .ready = instance_channel_ready,
        .context = instance};
    return resolver_prepare_channel(pair[0]);
}

static int start(struct instance *instance)
{
    __attribute__((cleanup(command_cleanup))) struct command command = {NULL, NULL};
    cleanup_descriptor int theirs = -1;
    int error = 0;

    if (instance->supervisor->plan->instance_tmp)
        error =
            instance_tmp_make(instance->number, instance->directory, sizeof instance->directory);
    if (error == 0)
        error = make_command(instance, &command);
    if (error == 0)
        error = open_channel(instance, &theirs);
    if (error == 0)
        error = start_keeper(instance, &command, theirs);
    if (error < 0)
        return error;
    error = let_go(instance);
    if (error < 0)
        abandon(instance);
    return error;
}

int instance_start(struct supervisor *supervisor, struct tenant *tenant, bool template)
{
    struct instance *instance = calloc(1, sizeof *instance);
    int error;

    if (!instance)
        return -ENOMEM;
    instance->supervisor = supervisor;
    instance->number = ++supervisor->last_number;
    instance->tenant = tenant;
    instance->only_main = template;
    instance->loading.process = -1;
    instance->started = clock_now();
    instance->deadline = supervisor->was_ready ? instance->started + START_SECONDS * 1000 : 0;
    error = start(instance);
    if (error < 0) {
        if (instance->directory[0])
            instance_tmp_remove(instance->directory);
        if (instance->channel_source.ready) {
            loop_remove(&supervisor->loop, &instance->channel_source);
            kernel_close(instance->channel_source.descriptor);
        }
        free(instance);
        return error;
    }
    if (tenant)
        tenant->instance = instance;
    instance->next = supervisor->instances;
    supervisor->instances = instance;
    supervisor_say(supervisor, false, "instance-started", instance->keeper.server,
        "instance %u of the server was started", instance->number);
    return 0;
}

int instance_adopt_main(struct supervisor *supervisor)
{
    const struct supervisor_plan *plan = supervisor->plan;
    struct instance *instance = calloc(1, sizeof *instance);

    if (!instance)
        return -ENOMEM;
    instance->supervisor = supervisor;
    instance->state = INSTANCE_MAIN;
    instance->keeper.server = plan->main;
    instance->loading = (struct loading){.state = LOADING_PROVED, .process = -1};
    instance->started = clock_now();
    instance->resolver = (struct resolver){.policy = plan->policy,
        .log = plan->log,
        .settings = plan->settings,
        .channel = plan->main_channel,
        .server = plan->main,
        .greeted = true,
        .other = requests_handle,
        .context = instance};
    /* What it executes has to ask again: only who waits knows whether it is a loop. */
    instance->resolver.settings.isolation = ISOLATION_UNDECIDED;
    instance->channel_source = (struct source){.descriptor = plan->main_channel,
        .events = EPOLLIN,
        .ready = instance_channel_ready,
        .context = instance};
    supervisor->instances = instance;
    return loop_add(&supervisor->loop, &instance->channel_source);
}
