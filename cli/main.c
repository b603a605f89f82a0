#include "command.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

const char *argp_program_version = "wsapeer " WSAPEER_VERSION;

/* In the order in which --help shows them. */
static const struct command *const commands[] = {
    &command_run,
    &command_exec,
    &command_id,
    &command_list,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int print_help(void)
{
    printf("Usage: wsapeer COMMAND [OPTION...] [ARGUMENT...]\n"
           "Serve each client of a server with that client's own rights.\n"
           "\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n"
           "'wsapeer COMMAND --help' tells the options of one; see wsapeer(1) and wsapeer(7).\n");
    return finish_output(EXIT_YES, EXIT_FAILED);
}

static int dispatch(const struct command *command, int argc, char **argv)
{
    char name[64];

    snprintf(name, sizeof name, "wsapeer %s", command->name);
    argv[0] = name;
    return command->run(argc, argv);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        complain("no command given; see 'wsapeer --help'");
        return EXIT_FAILED;
    }
    if (strcmp(argv[1], "--help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s\n", argp_program_version);
        return finish_output(EXIT_YES, EXIT_FAILED);
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return dispatch(commands[i], argc - 1, argv + 1);
    complain("there is no command '%s'; see 'wsapeer --help'", argv[1]);
    return EXIT_FAILED;
}
