#include "run_options.h"

#include "command.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_INLINE = 256,
    OPTION_GROUND,
    OPTION_EXPLAIN,
    OPTION_LOG,
    OPTION_LOG_FORMAT,
    OPTION_USAGE,
    OPTION_HELP = '?',
};

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
    {"isolate", 'i', "auto|scope", 0, "How peers are kept apart. Default: auto", 2},
    {NULL, 0, NULL, 0, "What is said:", 3},
    {"verbose", 'v', NULL, 0, "Report who was served, too", 3},
    {"log", OPTION_LOG, "stderr|syslog|FILE", 0, "Where events go. Default: stderr", 3},
    {"log-format", OPTION_LOG_FORMAT, "text|json", 0, "Default: text", 3},
    {NULL, 0, NULL, 0, NULL, 4}, {"help", OPTION_HELP, NULL, 0, "Print this and end", 4},
    {"usage", OPTION_USAGE, NULL, 0, "Print a short usage and end", 4}, {0}};

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
    int next;   /* where argp stood when it gave up */
};

static error_t add_rule(struct parse *parse, enum run_rule_kind kind, const char *text)
{
    struct run_options *options = parse->options;
    struct run_rule *rules =
        reallocarray(options->rules, options->rule_count + 1, sizeof options->rules[0]);

    if (!rules)
        return ENOMEM;
    options->rules = rules;
    options->rules[options->rule_count++] = (struct run_rule){kind, text};
    return 0;
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
    if (strcmp(text, "auto") == 0 || strcmp(text, "scope") == 0)
        return 0;
    complain("run: --isolate=%s: this version keeps peers apart by scopes only: say auto or scope",
        text);
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

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct parse *parse = state->input;

    switch (key) {
    case 'a':
        return add_rule(parse, RUN_ALLOW, argument);
    case 'd':
        return add_rule(parse, RUN_DENY, argument);
    case 'm':
        return add_rule(parse, RUN_MAP, argument);
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
    case OPTION_EXPLAIN:
        parse->options->explain = argument;
        return 0;
    case OPTION_LOG:
        return set_log(parse, argument);
    case OPTION_LOG_FORMAT:
        return set_log_format(parse, argument);
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
        return ARGP_ERR_UNKNOWN;
    }
}

/* Says what getopt, which argp keeps quiet, did not like about `--name` or `--name=value`. */
static bool tell_about_long(const char *word)
{
    int length = (int)strcspn(word, "=");
    const struct argp_option *found = NULL;
    unsigned matches = 0;

    for (const struct argp_option *o = table; o->name || o->key || o->doc || o->group; o++) {
        if (!o->name || strncmp(o->name, word, (size_t)length) != 0)
            continue;
        found = o;
        matches++;
        if (o->name[length] == '\0') {
            matches = 1;
            break;
        }
    }
    if (matches == 0)
        complain("run: no option --%.*s: 'wsapeer run --help' lists them", length, word);
    else if (matches > 1)
        complain("run: option --%.*s is short for several: write it in full", length, word);
    else if (found->arg && !word[length])
        complain(
            "run: option --%s needs a value: write --%s=%s", found->name, found->name, found->arg);
    else if (!found->arg && word[length])
        complain("run: option --%s takes no value: leave '%s' out", found->name, word + length);
    else
        return false;
    return true;
}

/* The same for a cluster of short options. */
static bool tell_about_short(const char *word)
{
    for (; *word; word++) {
        const struct argp_option *o = table;

        while ((o->name || o->key || o->doc || o->group) && o->key != *word)
            o++;
        if (o->key != *word) {
            complain("run: no option -%c: 'wsapeer run --help' lists them", *word);
            return true;
        }
        if (o->arg && word[1])
            return false;
        if (o->arg) {
            complain("run: option -%c needs a value: write --%s=%s", *word, o->name, o->arg);
            return true;
        }
    }
    return false;
}

static bool tell_about(const char *word)
{
    if (!word || word[0] != '-' || !word[1])
        return false;
    return word[1] == '-' ? tell_about_long(word + 2) : tell_about_short(word + 1);
}

static int check_together(const struct run_options *options)
{
    const char *mode = options->mode == PROTECT_GATE ? "--gate" : "--observe";

    if (!options->server && !options->explain) {
        complain("run: no server to run: give its command, as in wsapeer run -- nginx");
        return EXIT_FAILED;
    }
    if (options->mode == PROTECT_SCOPES)
        return -1;
    for (size_t i = 0; i < options->rule_count && options->mode == PROTECT_GATE; i++) {
        if (options->rules[i].kind == RUN_MAP) {
            complain("run: --map=%s with --gate: a gate changes no credentials, so it can map "
                     "nobody: use --allow, or leave --gate out",
                options->rules[i].text);
            return EXIT_FAILED;
        }
    }
    if (options->ground_given || options->inline_loops) {
        complain("run: %s with %s: no credentials are changed then: leave one of them out",
            options->ground_given ? "--ground" : "--inline", mode);
        return EXIT_FAILED;
    }
    return -1;
}

int run_options_parse(int argc, char **argv, struct run_options *options)
{
    struct parse parse = {.options = options};
    error_t error;

    *options = (struct run_options){.mode = PROTECT_SCOPES};
    error =
        argp_parse(&parser, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
    if (error == 0)
        return parse.ended ? 0 : check_together(options);
    if (!parse.told && error == ENOMEM)
        complain("run: there is no memory left");
    else if (!parse.told && !tell_about(parse.next > 0 ? argv[parse.next - 1] : NULL) &&
             !tell_about(parse.next < argc ? argv[parse.next] : NULL))
        complain("run: an option cannot be understood: 'wsapeer run --help' lists them");
    return EXIT_FAILED;
}

void run_options_free(struct run_options *options)
{
    free(options->rules);
}
