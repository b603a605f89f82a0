/* program.c: see program.h; the environment of new programs is in environment.c. */
#include "scope/program.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "libc.h"
#include "scope/environment.h"
#include "scope/scope.h"
#include "scope/spawn_actions.h"
#include "scope/thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int become = -1;
static char become_path[4096];

int program_become_descriptor(void)
{
    return become;
}

int program_move_become(void)
{
    int moved = kernel_fcntl(become, F_DUPFD_CLOEXEC, become + 1);

    kernel_close(become);
    become = moved < 0 ? -1 : moved;
    return moved < 0 ? moved : 0;
}

int program_prepare(const void *address)
{
    Dl_info library;
    size_t length;

    spawn_actions_prepare();
    if (!dladdr(address, &library) || !library.dli_fname)
        return -ENOENT;
    length = strlen(library.dli_fname);
    if (length + sizeof "become" > sizeof become_path)
        return -ENAMETOOLONG;
    environment_set_library(library.dli_fname);
    memcpy(become_path, library.dli_fname, length + 1);
    strcpy(strrchr(become_path, '/') + 1, "become");
    become = kernel_openat(AT_FDCWD, become_path, O_PATH);
    if (become < 0)
        return become;
    become = channel_raise_descriptor(become);
    return become < 0 ? become : 0;
}

/* Whatever the calling task is, it executes for a peer: its own or that of the thread it shares. */
static bool acts_for_peer(void)
{
    return process.scopes && thread_state.acting == ACTING_PEER;
}

size_t program_environment_room(char *const environment[])
{
    return process.wrapped ? environment_room(environment) : 0;
}

char **program_environment(char *const environment[], void *room)
{
    if (!process.wrapped)
        return (char **)(uintptr_t)environment;
    return environment_make(
        environment, room, process.sealed || acts_for_peer() ? -1 : channel_descriptor());
}

/* A peer's program has no part in other peers' connections, nor in what brings the server more. */
static bool is_others(const struct descriptor *entry, uid_t account)
{
    switch (entry->kind) {
    case DESCRIPTOR_LISTENER:
        return !entry->sealed;
    case DESCRIPTOR_DATAGRAMS:
    case DESCRIPTOR_EPOLL:
        return true;
    case DESCRIPTOR_PIPE: /* those of nobody's are the server's own affair */
        return entry->serial != 0 && entry->flags & PIPE_CARRIES_DATA &&
               entry->account_uid != account;
    default:
        return entry->account_uid != account;
    }
}

/* To a program that the calling task is going to start? A file that its peer could open is fine. */
static bool may_hand_on(int number)
{
    uid_t account = process.sealed ? process.sealed_as : thread_state.account;
    const struct descriptor *entry = descriptor_find(number);

    return !entry || !is_others(entry, account) ||
           (entry->kind == DESCRIPTOR_FILE && scope_may_use(number));
}

bool program_may_copy(int number)
{
    if (!process.wrapped || !descriptor_find(number) || thread_is_own() ||
        (!process.sealed && !acts_for_peer()) || may_hand_on(number))
        return true;
    errno = EACCES;
    return false;
}

static void hide(int number, const struct descriptor *entry, void *account)
{
    if (is_others(entry, *(uid_t *)account))
        kernel_fcntl(number, F_SETFD, FD_CLOEXEC);
}

/* In the task that executes: its descriptors are its own by now, but for one that nobody forked. */
static void hide_others(uid_t account)
{
    descriptor_visit(hide, &account);
}

int program_before_exec(void)
{
    int result;

    if (process.sealed)
        hide_others(process.sealed_as);
    if (!process.wrapped || process.sealed)
        return 0;
    if (!acts_for_peer()) {
        channel_set_inheritable(true);
        return 0;
    }
    result = credentials_seal(thread_state.account);
    if (result == 0) {
        hide_others(thread_state.account);
        kernel_close(channel_descriptor()); /* in case another thread just made it inheritable */
    }
    return result;
}

void program_exec_failed(void)
{
    int error = errno;

    if (!process.wrapped || process.sealed)
        return;
    /* This very thread is sealed now, inside a process that is not: it could never come back. */
    if (acts_for_peer() && thread_is_own())
        credentials_die(error);
    if (!acts_for_peer() && process.serving == SERVING)
        channel_set_inheritable(false);
    errno = error;
}

/* May the peer execute this? The kernel is asked with the thread's own, effective ids. */
static int may_execute(const char *path)
{
    struct stat status;
    int result = (int)kernel_call(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, 0, 0, 0);

    if (result < 0)
        return result;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    return (int)kernel_call(SYS_faccessat2, AT_FDCWD, (long)path, 1 /* X_OK */, AT_EACCESS, 0, 0);
}

/* Joins the PATH element of `length` bytes and `file`; an empty element is the current directory.
 */
static bool join(char *space, size_t size, const char *element, size_t length, const char *file)
{
    if (length + strlen(file) + 2 > size)
        return false;
    memcpy(space, element, length);
    if (length > 0)
        space[length++] = '/';
    strcpy(space + length, file);
    return true;
}

/* As execvp(3): the first that may be executed; EACCES is remembered, and told if there is none. */
static int find_program(const char *file, char *space, size_t size)
{
    const char *path = getenv("PATH") ?: "/bin:/usr/bin";
    int result = -ENOENT;

    for (;;) {
        size_t length = strcspn(path, ":");
        int found = join(space, size, path, length, file) ? may_execute(space) : -ENAMETOOLONG;

        if (found == 0)
            return 0;
        if (found == -EACCES)
            result = found;
        if (path[length] == '\0')
            return result;
        path += length + 1;
    }
}

static int resolve_program(struct spawn_plan *plan, const char *file, bool search)
{
    int result;

    if (search && !strchr(file, '/')) {
        result = find_program(file, plan->path_space, sizeof plan->path_space);
        plan->path = plan->path_space;
        return result;
    }
    plan->path = file;
    return file[0] == '/' ? may_execute(file) : 0; /* the child may go elsewhere first */
}

size_t program_arguments_room(char *const arguments[])
{
    size_t count = 0;

    while (arguments && arguments[count])
        count++;
    return count + 5;
}

/* Appends a number to the list that `become` closes. What does not fit leaves no room for the rest.
 */
static void list(int number, const struct descriptor *entry, void *pointer)
{
    struct spawn_plan *plan = pointer;
    size_t used = strlen(plan->closed);

    if (entry && !is_others(entry, thread_state.account))
        return;
    if (used + 12 < sizeof plan->closed)
        snprintf(plan->closed + used, sizeof plan->closed - used, "%d,", number);
    else
        plan->is_too_long = true;
}

/* `become NUMBERS PATH ARG0…`: by its path, or where the peer cannot reach that, by descriptor. */
static void start_by_become(struct spawn_plan *plan, char *const arguments[], char *room[])
{
    size_t count = 0;

    plan->closed[0] = '\0';
    plan->is_too_long = false;
    list(channel_descriptor(), NULL, plan);
    descriptor_visit(list, plan);
    room[count++] = become_path;
    room[count++] = plan->closed;
    room[count++] = (char *)(uintptr_t)plan->path;
    while (arguments && *arguments)
        room[count++] = *arguments++;
    room[count] = NULL;
    plan->arguments = room;
    plan->path = become_path;
    if (may_execute(become_path) < 0) {
        snprintf(plan->become_space, sizeof plan->become_space, "/proc/self/fd/%d", become);
        plan->path = plan->become_space;
    }
}

/* POSIX_SPAWN_RESETIDS would set the effective uid to the real one, which is the guard's. */
static void keep_ids(struct spawn_plan *plan)
{
    short flags;

    if (!plan->attributes || posix_spawnattr_getflags(plan->attributes, &flags) != 0 ||
        !(flags & POSIX_SPAWN_RESETIDS))
        return;
    plan->own_attributes = *plan->attributes;
    posix_spawnattr_setflags(&plan->own_attributes, flags & ~POSIX_SPAWN_RESETIDS);
    plan->attributes = &plan->own_attributes;
}

int program_before_spawn(struct spawn_plan *plan, const char *file, bool search,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
    char *const arguments[], char *room[])
{
    int result;

    plan->path = file;
    plan->arguments = arguments;
    plan->attributes = attributes;
    if (!process.wrapped)
        return 0;
    if ((process.sealed || acts_for_peer()) && !spawn_copies_only(actions, may_hand_on))
        return EACCES;
    if (process.sealed) {
        hide_others(process.sealed_as);
        return 0;
    }
    if (!acts_for_peer()) {
        channel_set_inheritable(true);
        return 0;
    }
    result = resolve_program(plan, file, search);
    if (result < 0)
        return -result;
    start_by_become(plan, arguments, room);
    keep_ids(plan);
    return plan->is_too_long ? EMFILE : 0;
}

void program_after_spawn(void)
{
    if (process.wrapped && !process.sealed && !acts_for_peer() && process.serving == SERVING)
        channel_set_inheritable(false);
}
