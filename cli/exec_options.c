/* exec_options.c: see exec_options.h. */
#include "exec_options.h"

#include "command.h"
#include "option_complaint.h"

#include <argp.h>
#include <errno.h>

enum { OPTION_FD = 256, OPTION_PID, OPTION_ENV_ONLY, OPTION_USAGE, OPTION_HELP = '?' };

static const struct argp_option table[] = {{NULL, 0, NULL, 0, "Which socket:", 1},
    {"fd", OPTION_FD, "N", 0, "It is descriptor N (default: 0)", 1},
    {"pid", OPTION_PID, "PID", 0, "The descriptor is one of process PID", 1},
    {NULL, 0, NULL, 0, "Who is served:", 2},
    {"allow", 'a', "WHO", 0,
        "Serve only these peers (repeatable). Default: every local account except root", 2},
    {"deny", 'd', "WHO", 0, "Never these, whatever is allowed (repeatable)", 2},
    {"map", 'm', "WHO=ACCOUNT", 0, "Serve those peers as ACCOUNT (repeatable)", 2},
    {NULL, 0, NULL, 0, "How:", 3},
    {"env-only", OPTION_ENV_ONLY, NULL, 0,
        "Admit or refuse and set the variables, but become nobody. Needs no privilege", 3},
    {NULL, 0, NULL, 0, "Help:", -1}, {"help", OPTION_HELP, NULL, 0, "Give this help list", -1},
    {"usage", OPTION_USAGE, NULL, 0, "Give a short usage message", -1}, {NULL}};

static const char description[] =
    "Become the peer of a connected socket for good, then execute COMMAND."
    "\v"
    "WHO is alice, 1000, 1000-1999, @staff (a group), 192.0.2.0/24, 2001:db8::/32, me or any.\n"
    "The exit status is COMMAND's own; 124 if the peer was refused, 125 if wsapeer itself failed, "
    "126 if COMMAND cannot be executed, 127 if it was not found.";

struct parse {
    struct exec_options *options;
    bool told;  /* one line about what is wrong was printed */
    bool ended; /* --help or --usage */
    int next;   /* where argp stood when it gave up */
};

static error_t parse_option(int key, char *argument, struct argp_state *state);

static const struct argp parser = {table, parse_option, "[--] COMMAND [ARG...]", description};

/* Not argp's own help: with ARGP_NO_ERRS, which keeps errors to one line of ours, it is mute. */
static error_t print_help(struct parse *parse, struct argp_state *state, unsigned flags)
{
    argp_help(&parser, stdout, flags, state->argv[0]);
    parse->ended = true;
    state->next = state->argc;
    return 0;
}

static error_t take_command(struct parse *parse, struct argp_state *state)
{
    if (!parse->ended)
        parse->options->command = &state->argv[state->next - 1];
    state->next = state->argc;
    return 0;
}

static error_t add_rule(struct parse *parse, enum policy_option_kind kind, const char *text)
{
    return policy_options_add(&parse->options->rules, kind, text) < 0 ? ENOMEM : 0;
}

static error_t set_number(
    struct parse *parse, const char *name, const char *text, int lowest, int *number)
{
    if (socket_name_number(text, lowest, number) == 0)
        return 0;
    complain("exec: --%s=%s: it takes a whole number from %d", name, text, lowest);
    parse->told = true;
    return EINVAL;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct exec_options *options = parse->options;

    switch (key) {
    case 'a':
        return add_rule(parse, POLICY_ALLOW, argument);
    case 'd':
        return add_rule(parse, POLICY_DENY, argument);
    case 'm':
        return add_rule(parse, POLICY_MAP, argument);
    case OPTION_FD:
        return set_number(parse, "fd", argument, 0, &options->socket.descriptor);
    case OPTION_PID:
        return set_number(parse, "pid", argument, 1, &options->socket.pid);
    case OPTION_ENV_ONLY:
        options->env_only = true;
        return 0;
    case OPTION_HELP:
        return print_help(parse, state, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK);
    case OPTION_USAGE:
        return print_help(parse, state, ARGP_HELP_USAGE);
    case ARGP_KEY_ARG:
        return take_command(parse, state);
    case ARGP_KEY_ERROR:
        parse->next = state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int end(const struct parse *parse)
{
    if (parse->ended)
        return finish_output(EXIT_YES, EXIT_FAILED);
    if (parse->options->command)
        return -1;
    complain("exec: no command to execute: give it, as in wsapeer exec -- cat /etc/motd");
    return EXIT_FAILED;
}

int exec_options_parse(int argc, char **argv, struct exec_options *options)
{
    struct parse parse = {.options = options};
    error_t error;

    *options = (struct exec_options){.env_only = false};
    error =
        argp_parse(&parser, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
    if (error == 0)
        return end(&parse);
    if (!parse.told && error == ENOMEM)
        complain("exec: there is no memory left");
    else if (!parse.told &&
             !option_complaint("exec", table, parse.next > 0 ? argv[parse.next - 1] : NULL) &&
             !option_complaint("exec", table, parse.next < argc ? argv[parse.next] : NULL))
        complain("exec: an option cannot be understood: 'wsapeer exec --help' lists them");
    return EXIT_FAILED;
}

void exec_options_free(struct exec_options *options)
{
    policy_options_free(&options->rules);
}
