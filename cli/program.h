/*
 * program.h: can the library be loaded into this program? Reads files, executes nothing.
 *
 * Invariant: "yes" means that the program's dynamic loader will honour LD_PRELOAD with our library;
 * whatever cannot be read or is not understood is "no".
 */
#pragma once

#include <stddef.h>

enum program_verdict {
    PROGRAM_OK,
    PROGRAM_NOT_FOUND,      /* exit 127 */
    PROGRAM_NOT_EXECUTABLE, /* a directory, no permission, neither ELF nor script: exit 126 */
    PROGRAM_STATIC,         /* all further: exit 125 */
    PROGRAM_SETUID,         /* setuid, setgid or file capabilities: the loader ignores LD_PRELOAD */
    PROGRAM_FOREIGN,        /* another ELF class or machine */
    PROGRAM_MUSL,           /* an interpreter (ld.so) that is not glibc's */
    PROGRAM_GO,             /* makes its own system calls */
};

/*
 * Finds NAME as execvp(3) would (PATH, or as it stands if it holds a slash), follows `#!` lines to
 * the interpreter that will really run (env(1)'s too, four deep), and judges that. `path` receives
 * what to execve (the script, not its interpreter), `message` one line for the user if the verdict
 * is not PROGRAM_OK. Sizes in bytes.
 */
enum program_verdict program_examine(
    const char *name, char *path, size_t path_size, char *message, size_t message_size);
