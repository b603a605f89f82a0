/*
 * exec.c: the exec family and _Fork. What the new program is given is decided in scope/program.c.
 *
 * The arrays stand on the stack, sized by the caller's own arguments, as in libc: a vfork child may
 * not allocate memory, which its parent would never see freed.
 */
#include "libc.h"
#include "scope/fork.h"
#include "scope/program.h"
#include "scope/thread.h"

#include <alloca.h>
#include <errno.h>
#include <stdarg.h>

enum how { BY_PATH, BY_SEARCH, BY_DESCRIPTOR };

static int execute(enum how how, int directory, const char *path, char *const arguments[],
    char *const environment[], int flags)
{
    char **made;
    int result;

    thread_check();
    made = program_environment(environment, alloca(program_environment_room(environment)));
    result = program_before_exec();
    if (result < 0) {
        errno = -result;
        return -1;
    }
    if (how == BY_PATH)
        libc_calls()->execve(path, arguments, made);
    else if (how == BY_SEARCH)
        libc_calls()->execvpe(path, arguments, made);
    else
        libc_calls()->execveat(directory, path, arguments, made, flags);
    program_exec_failed();
    return -1;
}

int execve(const char *path, char *const arguments[], char *const environment[])
{
    return execute(BY_PATH, -1, path, arguments, environment, 0);
}

int execv(const char *path, char *const arguments[])
{
    return execute(BY_PATH, -1, path, arguments, environ, 0);
}

int execvp(const char *file, char *const arguments[])
{
    return execute(BY_SEARCH, -1, file, arguments, environ, 0);
}

int execvpe(const char *file, char *const arguments[], char *const environment[])
{
    return execute(BY_SEARCH, -1, file, arguments, environment, 0);
}

int fexecve(int number, char *const arguments[], char *const environment[])
{
    return execute(BY_DESCRIPTOR, number, "", arguments, environment, AT_EMPTY_PATH);
}

int execveat(
    int directory, const char *path, char *const arguments[], char *const environment[], int flags)
{
    return execute(BY_DESCRIPTOR, directory, path, arguments, environment, flags);
}

/* How many arguments stand in the list up to its NULL? */
static size_t count_arguments(va_list list)
{
    size_t count = 1;
    va_list copy;

    va_copy(copy, list);
    while (va_arg(copy, char *))
        count++;
    va_end(copy);
    return count;
}

/* Fills `array` from the list, its NULL included; the list then stands behind it. */
static void take_arguments(char **array, const char *first, va_list *list)
{
    *array = (char *)(uintptr_t)first;
    while (*array)
        *++array = va_arg(*list, char *);
}

int execl(const char *path, const char *first, ...)
{
    char **arguments;
    va_list list;

    va_start(list, first);
    arguments = alloca((count_arguments(list) + 1) * sizeof *arguments);
    take_arguments(arguments, first, &list);
    va_end(list);
    return execute(BY_PATH, -1, path, arguments, environ, 0);
}

int execlp(const char *file, const char *first, ...)
{
    char **arguments;
    va_list list;

    va_start(list, first);
    arguments = alloca((count_arguments(list) + 1) * sizeof *arguments);
    take_arguments(arguments, first, &list);
    va_end(list);
    return execute(BY_SEARCH, -1, file, arguments, environ, 0);
}

int execle(const char *path, const char *first, ...)
{
    char **arguments, **environment;
    va_list list;

    va_start(list, first);
    arguments = alloca((count_arguments(list) + 1) * sizeof *arguments);
    take_arguments(arguments, first, &list);
    environment = va_arg(list, char **);
    va_end(list);
    return execute(BY_PATH, -1, path, arguments, environment, 0);
}

/* The one fork that runs no pthread_atfork(3) handlers. */
pid_t _Fork(void)
{
    pid_t child = libc_calls()->_Fork();

    if (child == 0)
        scope_fork_child();
    return child;
}
