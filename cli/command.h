/* command.h: what the subcommands have in common. */
#pragma once

#include <stdbool.h>

/* Exit statuses of wsapeer(1). */
enum {
    EXIT_YES = 0,
    EXIT_NO = 1,
    EXIT_TROUBLE = 2,   /* id, can, list, check: usage or trouble */
    EXIT_REFUSED = 124, /* exec: the peer was refused */
    EXIT_FAILED = 125,  /* run, exec: wsapeer itself failed, usage included */
    EXIT_NOT_EXECUTABLE = 126,
    EXIT_NOT_FOUND = 127,
};

/* One subcommand: main.c's table is the one list that help and dispatch come from. */
struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "wsapeer NAME"; returns the exit status */
};

extern const struct command command_run;
extern const struct command command_exec;
extern const struct command command_id;
extern const struct command command_list;

/* Prints "wsapeer: MESSAGE\n" to stderr as one line, control characters escaped. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* If set, it is given each complaint's message first, and may take it (true): then it is not
 * printed.
 */
extern bool (*complain_instead)(const char *message);

/* To end with `status`; or, if what was printed could not be written, with a complaint, `trouble`.
 */
int finish_output(int status, int trouble);
