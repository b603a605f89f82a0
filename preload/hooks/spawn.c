/* spawn.c: posix_spawn(3) and posix_spawnp(3), whose child libc makes out of any hook's sight. */
#include "libc.h"
#include "scope/program.h"
#include "scope/thread.h"

#include <alloca.h>

static int spawn(pid_t *child, const char *file, bool search,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
    char *const arguments[], char *const environment[])
{
    struct spawn_plan plan;
    char **made, **room;
    int result;

    thread_check();
    made = program_environment(environment, alloca(program_environment_room(environment)));
    room = alloca(program_arguments_room(arguments) * sizeof *room);
    result = program_before_spawn(&plan, file, search, actions, attributes, arguments, room);
    if (result != 0)
        return result;
    result = (search && plan.path == file ? libc_calls()->posix_spawnp : libc_calls()->posix_spawn)(
        child, plan.path, actions, plan.attributes, plan.arguments, made);
    program_after_spawn();
    return result;
}

int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
    return spawn(child, path, false, actions, attributes, arguments, environment);
}

int posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
    return spawn(child, file, true, actions, attributes, arguments, environment);
}
