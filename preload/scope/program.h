/*
 * program.h: what becomes of the programs that the server executes.
 *
 * Invariants
 * - At base and at ground the new program is wrapped again: LD_PRELOAD and the channel stand in its
 *   environment whatever the server did to that, and the channel survives the exec.
 * - In a scope and in a sealed process it is clean: the peer in every id, no capability, nothing of
 *   wsapeer in its environment, none of its descriptors.
 *
 * Called by hooks/ alone. A vfork child may call all of it: nothing here writes memory of ours
 * (program_clean_own_environment() is for the child of a real fork).
 */
#pragma once

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>

/* How many bytes program_environment() needs for this environment. */
size_t program_environment_room(char *const environment[]);

/* The new program's environment, built in `room`; `environment` itself if nothing is to change. */
char **program_environment(char *const environment[], void *room);

/*
 * Around the real exec. program_before_exec() seals the calling task if it acts for a peer: 0, or
 * -errno and nothing may be executed. program_exec_failed(): the real call came back with an error.
 */
int program_before_exec(void);
void program_exec_failed(void);

/* What a spawn in a scope has to be turned into; see program_before_spawn(). */
struct spawn_plan {
    const char *path;
    char *const *arguments;
    const posix_spawnattr_t *attributes;
    posix_spawnattr_t own_attributes;
    char path_space[4096];
    char become_space[32];
    char closed[8192]; /* numbers that the new program must not have */
    bool is_too_long;
};

/* How many argument pointers the plan may need for these arguments. */
size_t program_arguments_room(char *const arguments[]);

/*
 * In a scope, `file` (searched in PATH if `search`) is started through `become`, which gives it the
 * peer in every id. Actions that would give it what is another's: EACCES. `room` holds
 * program_arguments_room() pointers. 0, or the errno value that posix_spawn(3) is to return.
 * program_after_spawn() undoes what was done for the time of the call.
 */
int program_before_spawn(struct spawn_plan *plan, const char *file, bool search,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
    char *const arguments[], char *room[]);
void program_after_spawn(void);

/*
 * Ahead of dup(2) and its kin. A task whose copies are in no table (a vfork child) makes none, for
 * the program that it is going to execute, of what that may not have: false, errno EACCES.
 */
bool program_may_copy(int number);

/* Once, at the start: the library that holds `address` and the program beside it. 0 or -errno. */
int program_prepare(const void *address);

/* Takes wsapeer's variables out of this process's environment, in place. Single-threaded only. */
void program_clean_own_environment(void);

/* The descriptor of `become`, -1 if there is none; moving it away for the server. */
int program_become_descriptor(void);
int program_move_become(void);
