#include "run_options.h"

#include "command.h"
#include "only_option.h"
#include "option_complaint.h"
#include "run_options_check.h"

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

enum {
    OPTION_INLINE = 256,
    OPTION_GROUND,
    OPTION_EXPLAIN,
    OPTION_IDLE,
    OPTION_MAX_INSTANCES,
    OPTION_SPARES,
    OPTION_STOP_TIMEOUT,
    OPTION_INSTANCE_TMP,
    OPTION_MAX_PROCESSES,
    OPTION_DATAGRAMS,
    OPTION_ONLY,
    OPTION_CHROOT_OK,
    OPTION_LOG,
    OPTION_LOG_FORMAT,
    OPTION_USAGE,
    OPTION_HELP = '?',
};

/* What is beyond is a slip of the keyboard; times in milliseconds still fit an int. */
enum { LONGEST_TIME = 1000000, MOST_INSTANCES = 65536, MOST_SPARES = 64, MOST_PROCESSES = 1024 };

static const struct argp_option table[] = {{NULL, 0, NULL, 0, "Who is served:", 1},
    {"allow", 'a', "WHO", 0,
        "Serve only these peers (repeatable). Default: every local account except root", 1},
    {"deny", 'd', "WHO", 0, "Never these, whatever is allowed (repeatable)", 1},
    {"map", 'm', "WHO=ACCOUNT", 0, "Serve those peers as ACCOUNT (repeatable)", 1},
    {"explain", OPTION_EXPLAIN, "WHO", 0, "Print what would become of WHO, and why, and end", 1},
    {NULL, 0, NULL, 0, "How:", 2},
    {"gate", 'g', NULL, 0, "Only admit or refuse; change no credentials. Needs no privilege", 2},
    {"observe", 'o', NULL, 0, "Refuse nobody, change nothing, report who connects", 2},
    {"inline", OPTION_INLINE, NULL, 0,
        "This event loop finishes a request in the callback that read it", 2},
    {"ground", OPTION_GROUND, "none|base|ACCOUNT", 0,
        "Whose rights the server has while it acts for nobody. Default: none", 2},
    {"datagrams", OPTION_DATAGRAMS, "stamp|refuse", 0,
        "How senders of datagrams over IP are known: by a stamp that the kernel puts on their "
        "packets, or not at all. Default: stamp",
        2},
    {"only", OPTION_ONLY, "ADDR:PORT|PATH", 0,
        "Only for clients of this socket (repeatable); all others pass untouched. *:PORT is every "
        "address, @NAME an abstract name",
        2},
    {"chroot-ok", OPTION_CHROOT_OK, NULL, 0,
        "A process that is a peer's for good may change its root directory once, for daemons that "
        "confine themselves when they have taken a client",
        2},
    {"isolate", 'i', "auto|scope|connection|account", 0,
        "How peers are kept apart: by scopes in the server's own process, by a process for each "
        "connection, or by an instance of the server for each account. Default: auto, which takes "
        "instances for a server that waits "
        "for its clients in an epoll set, else scopes",
        2},
    {NULL, 0, NULL, 0, "Instances, where each account has one:", 3},
    {"idle", OPTION_IDLE, "SECONDS", 0,
        "End an instance that had no connection for so long. Default: 300", 3},
    {"max-instances", OPTION_MAX_INSTANCES, "N", 0, "At most so many at once. Default: 64", 3},
    {"spares", OPTION_SPARES, "N", 0, "Keep so many started for accounts that are new. Default: 1",
        3},
    {"stop-timeout", OPTION_STOP_TIMEOUT, "SECONDS", 0,
        "Kill what has not ended so long after it was told to. Default: 30", 3},
    {"instance-tmp", OPTION_INSTANCE_TMP, NULL, 0,
        "Give each a TMPDIR of its own, which is its account's", 3},
    {NULL, 0, NULL, 0, "Processes, where each connection has one:", 4},
    {"max-processes", OPTION_MAX_PROCESSES, "N", 0,
        "At most so many at once; who comes then waits. Default: 256", 4},
    {NULL, 0, NULL, 0, "What is said:", 5},
    {"verbose", 'v', NULL, 0, "Report who was served, too", 5},
    {"log", OPTION_LOG, "stderr|syslog|FILE", 0, "Where events go. Default: stderr", 5},
    {"log-format", OPTION_LOG_FORMAT, "text|json", 0, "Default: text", 5},
    {NULL, 0, NULL, 0, NULL, 6}, {"help", OPTION_HELP, NULL, 0, "Print this and end", 6},
    {"usage", OPTION_USAGE, NULL, 0, "Print a short usage and end", 6}, {0}};

/* The options that take a number; --help tells their usual values, too. */
static const struct number_option {
    int key;
    const char *name;
    unsigned lowest, highest, usual;
    size_t field; /* of struct run_options */
} numbers[] = {
    {OPTION_IDLE, "idle", 1, LONGEST_TIME, 300, offsetof(struct run_options, idle)},
    {OPTION_MAX_INSTANCES, "max-instances", 1, MOST_INSTANCES, 64,
        offsetof(struct run_options, max_instances)},
    {OPTION_SPARES, "spares", 0, MOST_SPARES, 1, offsetof(struct run_options, spares)},
    {OPTION_STOP_TIMEOUT, "stop-timeout", 0, LONGEST_TIME, 30,
        offsetof(struct run_options, stop_timeout)},
    {OPTION_MAX_PROCESSES, "max-processes", 1, MOST_PROCESSES, 256,
        offsetof(struct run_options, max_processes)},
};

static const char description[] =
    "Run SERVER so that each peer is served with that peer's own credentials."
    "\v"
    "WHO is alice, 1000, 1000-1999, @staff (a group), 192.0.2.0/24, 2001:db8::/32, me or any.\n"
    "The exit status is SERVER's own; 125 if wsapeer itself failed, 126 if SERVER cannot be "
    "executed, 127 if it was not found.";

struct parse {
    struct run_options *options;
    bool told;  /* one line about what is wrong was printed */
    bool ended; /* --help or --usage */
    struct run_options_about about;
    int next; /* where argp stood when it gave up */
};

static error_t add_rule(struct parse *parse, enum policy_option_kind kind, const char *text)
{
    return policy_options_add(&parse->options->rules, kind, text) < 0 ? ENOMEM : 0;
}

static error_t set_mode(struct parse *parse, enum protect_mode mode)
{
    struct run_options *options = parse->options;

    if (options->mode != PROTECT_SCOPES && options->mode != mode) {
        complain("run: --gate refuses peers and --observe refuses nobody: leave one of them out");
        parse->told = true;
        return EINVAL;
    }
    options->mode = mode;
    return 0;
}

static error_t set_isolate(struct parse *parse, const char *text)
{
    static const char *const names[] = {[RUN_ISOLATE_AUTO] = "auto",
        [RUN_ISOLATE_SCOPE] = "scope",
        [RUN_ISOLATE_CONNECTION] = "connection",
        [RUN_ISOLATE_ACCOUNT] = "account"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            parse->options->isolate = (enum run_isolate)i;
            return 0;
        }
    }
    complain("run: --isolate=%s: there is no such way to keep peers apart: say auto, scope, "
             "connection or account",
        text);
    parse->told = true;
    return EINVAL;
}

static error_t set_datagrams(struct parse *parse, const char *text)
{
    parse->options->refuse_datagrams = strcmp(text, "refuse") == 0;
    if (parse->options->refuse_datagrams || strcmp(text, "stamp") == 0)
        return 0;
    complain("run: --datagrams=%s: there is no such way to know their senders: say stamp or refuse",
        text);
    parse->told = true;
    return EINVAL;
}

/* A decimal number and nothing else. */
static bool read_number(const char *text, unsigned lowest, unsigned highest, unsigned *number)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9' && value <= highest; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    *number = (unsigned)value;
    return *text == '\0' && value >= lowest && value <= highest;
}

static error_t set_number(struct parse *parse, int key, const char *text)
{
    const struct number_option *option = numbers, *end = numbers + sizeof numbers / sizeof *numbers;

    while (option < end && option->key != key)
        option++;
    if (option == end)
        return ARGP_ERR_UNKNOWN;
    *(key == OPTION_MAX_PROCESSES ? &parse->about.processes : &parse->about.instances) =
        option->name;
    if (read_number(text, option->lowest, option->highest,
            (unsigned *)((char *)parse->options + option->field)))
        return 0;
    complain("run: --%s=%s: it takes a whole number from %u to %u: leave it out for %u",
        option->name, text, option->lowest, option->highest, option->usual);
    parse->told = true;
    return EINVAL;
}

static error_t set_ground(struct parse *parse, const char *text)
{
    struct run_options *options = parse->options;

    options->ground_given = true;
    options->ground = GROUND_ACCOUNT;
    if (strcmp(text, "none") == 0)
        options->ground = GROUND_NONE;
    else if (strcmp(text, "base") == 0)
        options->ground = GROUND_BASE;
    else
        options->ground_account = text;
    return 0;
}

static error_t set_log(struct parse *parse, const char *text)
{
    struct run_options *options = parse->options;

    options->log_target = EVENT_TO_FILE;
    options->log_file = text;
    if (strcmp(text, "stderr") == 0)
        options->log_target = EVENT_TO_STDERR;
    else if (strcmp(text, "syslog") == 0)
        options->log_target = EVENT_TO_SYSLOG;
    return 0;
}

static error_t set_log_format(struct parse *parse, const char *text)
{
    if (strcmp(text, "json") == 0) {
        parse->options->log_format = EVENT_AS_JSON;
    } else if (strcmp(text, "text") == 0) {
        parse->options->log_format = EVENT_AS_TEXT;
    } else {
        complain("run: --log-format=%s: no such format: say text or json", text);
        parse->told = true;
        return EINVAL;
    }
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state);

static const struct argp parser = {table, parse_option, "[--] SERVER [ARG...]", description};

/* Not argp's own help: with ARGP_NO_ERRS, which keeps errors to one line of ours, it is mute. */
static error_t print_help(struct parse *parse, struct argp_state *state, unsigned flags)
{
    argp_help(&parser, stdout, flags, state->argv[0]);
    parse->ended = true;
    state->next = state->argc;
    return 0;
}

static error_t take_server(struct parse *parse, struct argp_state *state)
{
    if (!parse->ended)
        parse->options->server = &state->argv[state->next - 1];
    state->next = state->argc;
    return 0;
}

static error_t set_option(struct parse *parse, int key, const char *argument)
{
    switch (key) {
    case 'a':
        return add_rule(parse, POLICY_ALLOW, argument);
    case 'd':
        return add_rule(parse, POLICY_DENY, argument);
    case 'm':
        return add_rule(parse, POLICY_MAP, argument);
    case 'g':
        return set_mode(parse, PROTECT_GATE);
    case 'o':
        return set_mode(parse, PROTECT_OBSERVE);
    case 'i':
        return set_isolate(parse, argument);
    case 'v':
        parse->options->verbose = true;
        return 0;
    case OPTION_INLINE:
        parse->options->inline_loops = true;
        return 0;
    case OPTION_GROUND:
        return set_ground(parse, argument);
    case OPTION_DATAGRAMS:
        return set_datagrams(parse, argument);
    case OPTION_CHROOT_OK:
        parse->options->chroot_ok = true;
        return 0;
    case OPTION_ONLY:
        parse->told = only_option_add(parse->options, argument) < 0;
        return parse->told ? EINVAL : 0;
    case OPTION_INSTANCE_TMP:
        parse->about.instances = "instance-tmp";
        parse->options->instance_tmp = true;
        return 0;
    case OPTION_EXPLAIN:
        parse->options->explain = argument;
        return 0;
    case OPTION_LOG:
        return set_log(parse, argument);
    case OPTION_LOG_FORMAT:
        return set_log_format(parse, argument);
    default:
        return set_number(parse, key, argument);
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct parse *parse = state->input;

    switch (key) {
    case OPTION_HELP:
        return print_help(parse, state, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK);
    case OPTION_USAGE:
        return print_help(parse, state, ARGP_HELP_USAGE);
    case ARGP_KEY_ARG:
        return take_server(parse, state);
    case ARGP_KEY_ERROR:
        parse->next = state->next;
        return 0;
    default:
        return set_option(parse, key, argument);
    }
}

static void set_usual(struct run_options *options)
{
    *options = (struct run_options){.mode = PROTECT_SCOPES, .isolate = RUN_ISOLATE_AUTO};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *(unsigned *)((char *)options + numbers[i].field) = numbers[i].usual;
}

int run_options_parse(int argc, char **argv, struct run_options *options)
{
    struct parse parse = {.options = options};
    error_t error;

    set_usual(options);
    error =
        argp_parse(&parser, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
    if (error == 0)
        return parse.ended ? 0 : run_options_check(options, &parse.about);
    if (!parse.told && error == ENOMEM)
        complain("run: there is no memory left");
    else if (!parse.told &&
             !option_complaint("run", table, parse.next > 0 ? argv[parse.next - 1] : NULL) &&
             !option_complaint("run", table, parse.next < argc ? argv[parse.next] : NULL))
        complain("run: an option cannot be understood: 'wsapeer run --help' lists them");
    return EXIT_FAILED;
}

void run_options_free(struct run_options *options)
{
    policy_options_free(&options->rules);
}
