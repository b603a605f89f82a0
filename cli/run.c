#include "account/nss.h"
#include "cleanup.h"
#include "command.h"
#include "credentials/helper.h"
#include "descriptors.h"
#include "guard.h"
#include "policy.h"
#include "preload_library.h"
#include "program.h"
#include "resolver_process.h"
#include "run_account.h"
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    MESSAGE_SIZE = 1024,
    LIFETIME_MS = 5000, /* how long a user who has just lost a group keeps it */
    HIGH_DESCRIPTORS = 1024,
};

/* Everything that is got ready before the server is executed. */
struct start {
    struct run_options options;
    struct policy *policy;
    struct event_log *log;
    struct resolver_plan plan;
    struct supervisor_plan instances; /* --isolate=account, and auto if it comes to that */
    struct stamp stamp;
    char program[PATH_MAX];
    char library[PATH_MAX];
};

/* Returns -1 to go on or an exit status, like every step below. */
static int make_policy(struct start *start)
{
    const struct run_options *options = &start->options;
    char message[MESSAGE_SIZE];

    start->policy = policy_options_make(&options->rules, options->mode,
        options->isolate == RUN_ISOLATE_ACCOUNT, message, sizeof message);
    if (start->policy)
        return -1;
    complain("run: %s", message);
    return EXIT_FAILED;
}

static int explain(const struct start *start)
{
    char message[MESSAGE_SIZE];

    if (!start->options.explain)
        return -1;
    if (policy_explain(start->policy, start->options.explain, stdout, message, sizeof message) <
        0) {
        complain("run: %s", message);
        return EXIT_FAILED;
    }
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

/* What makes the loader ignore LD_PRELOAD, or leaves us unable to become anybody. */
static int check_privilege(struct start *start)
{
    const char *missing = credentials_missing_privilege();

    if (getuid() != geteuid() || getgid() != getegid()) {
        complain("run: started with two user or group ids (setuid?): the loader would ignore the "
                 "library: start it from a process of one user");
        return EXIT_FAILED;
    }
    if (start->options.mode == PROTECT_SCOPES && missing) {
        complain("run: cannot serve peers with their own credentials: %s; without privilege, "
                 "--gate and --observe work",
            missing);
        return EXIT_FAILED;
    }
    if (credentials_clear_ambient() < 0) {
        complain("run: the ambient capabilities cannot be cleared");
        return EXIT_FAILED;
    }
    return -1;
}

static int find_program(struct start *start)
{
    char message[MESSAGE_SIZE];

    switch (program_examine(
        start->options.server[0], start->program, sizeof start->program, message, sizeof message)) {
    case PROGRAM_OK:
        return -1;
    case PROGRAM_NOT_FOUND:
        complain("run: %s", message);
        return EXIT_NOT_FOUND;
    case PROGRAM_NOT_EXECUTABLE:
        complain("run: %s", message);
        return EXIT_NOT_EXECUTABLE;
    default:
        complain("run: %s", message);
        return EXIT_FAILED;
    }
}

static int find_library(struct start *start)
{
    char message[MESSAGE_SIZE + PATH_MAX];

    if (preload_library_find(start->library, sizeof start->library, message, sizeof message) == 0)
        return -1;
    complain("run: %s", message);
    return EXIT_FAILED;
}

static int choose_ground(struct start *start)
{
    const struct run_options *options = &start->options;
    struct settings *settings = &start->plan.settings;
    enum account_verdict verdict;
    int error;

    settings->ground = options->ground;
    if (options->mode != PROTECT_SCOPES)
        settings->ground = GROUND_BASE;
    if (settings->ground != GROUND_ACCOUNT)
        return -1;
    verdict = account_of_name(options->ground_account, &settings->ground_account, &error);
    if (verdict == ACCOUNT_SERVED && settings->ground_account.uid != 0)
        return -1;
    if (verdict == ACCOUNT_SERVED)
        complain("run: --ground=%s: this account is root: name another, or say --ground=base",
            options->ground_account);
    else
        complain("run: --ground=%s: %s: name an account of this host", options->ground_account,
            error ? strerror(error) : account_verdict_text(verdict));
    return EXIT_FAILED;
}

/* Two ids that are nobody's: what the server is at ground, and what the resolver is. */
static int pick_guards(struct start *start)
{
    uid_t ids[2];
    int error;

    start->plan.helper = (uid_t)-1;
    start->plan.settings.guard_uid = (uid_t)-1;
    start->plan.settings.guard_gid = (gid_t)-1;
    if (start->options.mode != PROTECT_SCOPES && credentials_missing_privilege())
        return -1;
    error = guard_pick(ids, 2);
    if (error < 0) {
        complain("run: no free user id between %d and %d: %s", GUARD_FIRST, GUARD_LAST,
            error == -ENOENT ? "all are in use" : strerror(-error));
        return EXIT_FAILED;
    }
    start->plan.helper = ids[1];
    policy_reserve(start->policy, ids[1]);
    if (start->options.mode == PROTECT_SCOPES) {
        start->plan.settings.guard_uid = ids[0];
        start->plan.settings.guard_gid = ids[0];
        policy_reserve(start->policy, ids[0]);
    }
    return -1;
}

static int open_log(struct start *start)
{
    const struct run_options *options = &start->options;
    int error = event_log_open(
        options->log_target, options->log_file, options->log_format, options->verbose, &start->log);

    if (error < 0) {
        complain("run: --log=%s: %s%s", options->log_file ? options->log_file : "stderr",
            options->log_target == EVENT_TO_SYSLOG ? "/dev/log: " : "", strerror(-error));
        return EXIT_FAILED;
    }
    event_log_expect(start->log, options->only_text, options->only_count);
    if (options->mode == PROTECT_SCOPES && options->ground == GROUND_BASE && options->ground_given)
        event_log_notice(start->log, "warning", 0,
            "warning: --ground=base: what the server does for nobody runs with root's rights");
    return -1;
}

/* Instances drop every datagram: there is one socket, and many of them. */
static int stamp(struct start *start)
{
    char message[MESSAGE_SIZE], text[2 * MESSAGE_SIZE];

    if (start->options.isolate == RUN_ISOLATE_ACCOUNT || start->options.refuse_datagrams)
        return -1;
    if (stamp_attach(&start->stamp, message, sizeof message) < 0) {
        snprintf(text, sizeof text, "datagrams over IP from this host are refused: %s", message);
        event_log_notice(start->log, "no-stamp", 0, text);
    }
    start->plan.settings.stamped_netns = start->stamp.netns;
    return -1;
}

static int prepare(struct start *start)
{
    int (*const steps[])(struct start *) = {
        check_privilege, find_program, find_library, choose_ground, pick_guards, open_log, stamp};
    int status = -1;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status < 0; i++)
        status = steps[i](start);
    return status;
}

/* Out of the server's way, but not so far that the kernel's table of descriptors grows for it. */
static int raise_descriptor(int descriptor)
{
    struct rlimit limit;
    int most = HIGH_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < HIGH_DESCRIPTORS)
        most = (int)limit.rlim_cur;
    for (int from = most - 64; from > STDERR_FILENO; from -= 64) {
        int raised = fcntl(descriptor, F_DUPFD, from);

        if (raised >= 0)
            return raised;
    }
    return fcntl(descriptor, F_DUPFD, STDERR_FILENO + 1);
}

/* What every process of the server loads. Returns 0 or -errno. */
static int set_preload(const char *library)
{
    const char *others = getenv("LD_PRELOAD");
    cleanup_memory char *preload = NULL;

    if (asprintf(&preload, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") <
        0) {
        preload = NULL;
        return -ENOMEM;
    }
    return setenv("LD_PRELOAD", preload, 1) < 0 ? -errno : 0;
}

static int set_channel(int channel)
{
    char number[16];

    snprintf(number, sizeof number, PROTOCOL_CHANNEL_FORMAT, channel);
    return setenv(PROTOCOL_CHANNEL_VARIABLE, number, 1) < 0 ? -errno : 0;
}

/* Becomes the server, or returns why not. 0 is never returned. */
static int execute(const struct start *start, int channel)
{
    cleanup_descriptor int raised = raise_descriptor(channel);
    int error = raised < 0 ? -errno : set_channel(raised);

    if (error < 0)
        return error;
    execve(start->program, start->options.server, environ);
    return -errno;
}

static int execute_beside_resolver(const struct start *start)
{
    char message[MESSAGE_SIZE];
    int channel, tie, error;

    if (resolver_start(&start->plan, &channel, &tie, message, sizeof message) < 0) {
        complain("run: %s", message);
        return EXIT_FAILED;
    }
    error = execute(start, channel);
    resolver_stop(channel, tie);
    complain("run: %s: %s", start->program, strerror(-error));
    return error == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static enum isolation choose_isolation(const struct run_options *options)
{
    static const enum isolation isolations[] = {[RUN_ISOLATE_AUTO] = ISOLATION_UNDECIDED,
        [RUN_ISOLATE_SCOPE] = ISOLATION_SCOPES,
        [RUN_ISOLATE_CONNECTION] = ISOLATION_SCOPES,
        [RUN_ISOLATE_ACCOUNT] = ISOLATION_INSTANCES};

    return options->mode == PROTECT_SCOPES ? isolations[options->isolate] : ISOLATION_SCOPES;
}

/* What the resolver, and the supervisor if there is one, are told. */
static void fill_plans(struct start *start)
{
    struct resolver_plan *plan = &start->plan;

    plan->policy = start->policy;
    plan->log = start->log;
    plan->library = start->library;
    plan->stamp = &start->stamp;
    plan->settings.magic = PROTOCOL_MAGIC;
    plan->settings.mode = start->options.mode;
    plan->settings.isolation = choose_isolation(&start->options);
    plan->settings.inline_loops = start->options.inline_loops;
    plan->settings.chroot_ok = start->options.chroot_ok;
    plan->settings.by_connection = start->options.isolate == RUN_ISOLATE_CONNECTION;
    plan->settings.max_processes = start->options.max_processes;
    plan->settings.report_served = start->options.verbose;
    plan->settings.lifetime_ms = LIFETIME_MS;
    plan->settings.only_count = start->options.only_count;
    memcpy(plan->settings.only, start->options.only, sizeof plan->settings.only);
    if (plan->settings.isolation == ISOLATION_SCOPES)
        return;
    plan->instances = &start->instances;
    run_account_configure(&start->instances, &start->options);
    start->instances.policy = start->policy;
    start->instances.log = start->log;
    start->instances.library = start->library;
    start->instances.program = start->program;
    start->instances.settings = plan->settings;
    start->instances.settings.isolation = ISOLATION_INSTANCES;
}

static int start_server(struct start *start)
{
    int status, error;

    if (run_account_inherit(&start->instances) < 0 &&
        choose_isolation(&start->options) != ISOLATION_SCOPES) {
        complain("run: more than 14 descriptors are open that the server would inherit: close "
                 "them, or say --isolate=scope");
        return EXIT_FAILED;
    }
    descriptors_fill_standard();
    status = prepare(start);
    if (status >= 0)
        return status;
    fill_plans(start);
    error = set_preload(start->library);
    if (error < 0) {
        complain("run: %s", strerror(-error));
        return EXIT_FAILED;
    }
    if (start->plan.settings.isolation == ISOLATION_INSTANCES)
        return run_account(&start->instances);
    return execute_beside_resolver(start);
}

static int run(int argc, char **argv)
{
    struct start start = {.stamp = {.links = {-1, -1}}};
    int status = run_options_parse(argc, argv, &start.options);

    if (status < 0)
        status = make_policy(&start);
    if (status < 0)
        status = explain(&start);
    if (status < 0)
        status = start_server(&start);
    stamp_close(&start.stamp);
    event_log_close(start.log);
    policy_free(start.policy);
    run_options_free(&start.options);
    return status;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a server so that each peer is served with its own credentials",
    .run = run,
};
