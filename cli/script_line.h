/*
 * script_line.h: the first line of a script, as execve(2) and env(1) read it.
 *
 * Invariant: a line is either understood completely or refused; what would run is never guessed.
 * Called by program.c. Pure: no file, no memory, no errno.
 */
#pragma once

#include <stddef.h>

/* The kernel reads this much of a file to find out what it is (BINPRM_BUF_SIZE). */
enum { SCRIPT_LINE_SIZE = 256 };

struct script_line {
    char interpreter[SCRIPT_LINE_SIZE];
    char argument[SCRIPT_LINE_SIZE]; /* "" if there is none */
};

/*
 * Reads the first `size` bytes of a file. Returns 0; -ENOENT if they begin no `#!` line; -ENOEXEC
 * if the line names no interpreter or is longer than the kernel reads.
 */
int script_line_parse(const char *start, size_t size, struct script_line *line);

/*
 * If the interpreter is env(1), the name that it looks up in PATH: to `name`, SCRIPT_LINE_SIZE
 * bytes. Returns 1; 0 if it is not env; -ENOEXEC if env is given what may take LD_PRELOAD away
 * (-i, -u) or what is not understood here.
 */
int script_line_env(const struct script_line *line, char *name);
