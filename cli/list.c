#include "command.h"
#include "list_client.h"
#include "list_print.h"
#include "option_complaint.h"
#include "socket_name.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPTION_PID = 256, OPTION_JSON, OPTION_NO_HEADER, OPTION_USAGE, OPTION_HELP = '?' };

struct list_options {
    int supervisor; /* 0: not given */
    bool json;
    bool no_header;
    bool told;  /* one line about what is wrong was printed */
    bool ended; /* --help or --usage */
    int next;   /* where argp stood when it gave up */
};

static const struct argp_option table[] = {
    {"pid", OPTION_PID, "SUPERVISOR", 0,
        "List the instances of this 'wsapeer run --isolate=account'"},
    {"no-header", OPTION_NO_HEADER, NULL, 0, "Print no line with the columns' names"},
    {"json", OPTION_JSON, NULL, 0, "Print all that is known as a JSON object"},
    {NULL, 0, NULL, 0, NULL, 1}, {"help", OPTION_HELP, NULL, 0, "Print this and end", 1},
    {"usage", OPTION_USAGE, NULL, 0, "Print a short usage and end", 1}, {NULL}};

static error_t refuse(struct list_options *chosen, const char *what)
{
    complain("list: %s: 'wsapeer list --help' lists the options", what);
    chosen->told = true;
    return EINVAL;
}

static error_t parse_option(int key, char *argument, struct argp_state *state);

static const struct argp parser = {.options = table,
    .parser = parse_option,
    .doc = "List the instances of a server, one for each account, that a supervisor has.\v"
           "The exit status is 0 if it was listed, 1 if there is no such supervisor, 2 on "
           "trouble."};

/* Not argp's own help: with ARGP_NO_ERRS, which keeps errors to one line of ours, it is mute. */
static error_t print_help(struct argp_state *state, unsigned flags)
{
    struct list_options *chosen = state->input;

    argp_help(&parser, stdout, flags, state->argv[0]);
    chosen->ended = true;
    state->next = state->argc;
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct list_options *chosen = state->input;

    switch (key) {
    case OPTION_PID:
        if (socket_name_number(argument, 1, &chosen->supervisor) < 0)
            return refuse(chosen, "--pid takes the number of a process, from 1");
        return 0;
    case OPTION_JSON:
        chosen->json = true;
        return 0;
    case OPTION_NO_HEADER:
        chosen->no_header = true;
        return 0;
    case OPTION_HELP:
        return print_help(state, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK);
    case OPTION_USAGE:
        return print_help(state, ARGP_HELP_USAGE);
    case ARGP_KEY_ARG:
        return chosen->ended ? 0 : refuse(chosen, "it takes options only, no other argument");
    case ARGP_KEY_ERROR:
        chosen->next = state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Returns -1 to go on, or the status to exit with. */
static int parse_options(int argc, char **argv, struct list_options *chosen)
{
    error_t error = argp_parse(&parser, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, chosen);

    if (chosen->ended)
        return EXIT_YES;
    if (error != 0) {
        if (!chosen->told &&
            !option_complaint("list", table, chosen->next > 0 ? argv[chosen->next - 1] : NULL) &&
            !option_complaint("list", table, chosen->next < argc ? argv[chosen->next] : NULL))
            refuse(chosen, "an option cannot be understood");
        return EXIT_TROUBLE;
    }
    if (chosen->supervisor == 0)
        refuse(chosen, "this version lists the instances of a supervisor only: name it by --pid");
    else if (chosen->json && chosen->no_header)
        refuse(chosen, "--json has no header that --no-header could leave out");
    return chosen->told ? EXIT_TROUBLE : -1;
}

static int list(const struct list_options *chosen)
{
    struct list_entry *entries;
    unsigned count;
    char message[256];
    int error = list_client_ask(chosen->supervisor, &entries, &count, message, sizeof message);

    if (error < 0) {
        complain("list: %s", message);
        return error == -ENOENT || error == -ETIMEDOUT ? EXIT_NO : EXIT_TROUBLE;
    }
    if (!chosen->json)
        list_print_table(entries, count, !chosen->no_header);
    else
        error = list_print_json(chosen->supervisor, entries, count);
    free(entries);
    if (error == 0)
        return EXIT_YES;
    complain("list: cannot print JSON: out of memory, or standard output is closed");
    return EXIT_TROUBLE;
}

static int run_list(int argc, char **argv)
{
    struct list_options chosen = {.supervisor = 0};
    int status = parse_options(argc, argv, &chosen);

    if (status < 0)
        status = list(&chosen);
    return finish_output(status, EXIT_TROUBLE);
}

const struct command command_list = {
    .name = "list",
    .summary = "list the instances of a server that a supervisor has",
    .run = run_list,
};
