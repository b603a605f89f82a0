#include "process_tree.h"

#include "cleanup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct list {
    pid_t *pids;
    size_t count, capacity;
};

static int append(struct list *list, pid_t pid)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        pid_t *larger = reallocarray(list->pids, capacity, sizeof *larger);

        if (!larger)
            return -ENOMEM;
        list->pids = larger;
        list->capacity = capacity;
    }
    list->pids[list->count++] = pid;
    return 0;
}

/* What has ended meanwhile is no error. */
static int unless_ended(int error)
{
    return error == -ENOENT || error == -ESRCH ? 0 : error;
}

/* Calls `visit` for each name in `path` that is a number. */
static int visit_numbers(const char *path, int (*visit)(pid_t number, void *context), void *context)
{
    _Alignas(struct dirent64) char buffer[4096];
    cleanup_descriptor int directory = kernel_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    ssize_t size;
    int result = 0;

    if (directory < 0)
        return directory;
    while (result == 0 && (size = getdents64(directory, buffer, sizeof buffer)) > 0) {
        for (ssize_t at = 0; result == 0 && at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);

            if (isdigit((unsigned char)entry->d_name[0]))
                result = visit((pid_t)strtol(entry->d_name, NULL, 10), context);
            at += entry->d_reclen;
        }
    }
    return result == 0 && size < 0 ? -errno : result;
}

int process_threads_visit(pid_t pid, int (*visit)(pid_t tid, void *context), void *context)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return unless_ended(visit_numbers(path, visit, context));
}

int process_state(pid_t pid, pid_t tid, struct process_state *state)
{
    char path[64], text[512], *behind_name;
    cleanup_descriptor int file = -1;
    ssize_t size;
    int parent, session;

    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    if (file < 0)
        return file == -ENOENT ? -ESRCH : file;
    size = kernel_read(file, text, sizeof text - 1);
    if (size < 0)
        return (int)size;
    text[size] = '\0';
    behind_name = strrchr(text, ')'); /* the name itself may hold anything */
    if (!behind_name ||
        sscanf(behind_name,
            ") %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
            &state->letter, &parent, &session, &state->started) != 4)
        return -EPROTO;
    state->parent = parent;
    state->session = session;
    return 0;
}

/* Not the owner of /proc/PID: that is root's of who has changed its ids. */
uid_t process_user(pid_t pid)
{
    char path[64], text[512], *line;
    cleanup_descriptor int file = -1;
    unsigned real, effective;
    ssize_t size;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    size = file < 0 ? 0 : kernel_read(file, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    line = strstr(text, "\nUid:\t"); /* no name has a line of its own */
    if (!line || sscanf(line, " Uid: %u %u", &real, &effective) != 2)
        return (uid_t)-1;
    return effective;
}

void process_name(pid_t pid, char name[PROCESS_NAME_SIZE])
{
    char path[64];
    ssize_t size;
    cleanup_descriptor int file = -1;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    size = file < 0 ? 0 : kernel_read(file, name, PROCESS_NAME_SIZE - 1);
    while (size > 0 && name[size - 1] == '\n')
        size--;
    name[size > 0 ? size : 0] = '\0';
    for (char *letter = name; *letter; letter++) {
        if ((unsigned char)*letter < ' ' || *letter == 0x7f)
            *letter = '?';
    }
}

/* ---- children -------------------------------------------------------------------------------- */

struct family {
    struct list *list;
    pid_t parent;
};

/* From task/TID/children: "12 34 56 ", in as many pieces as it takes. */
static int append_listed(pid_t tid, void *context)
{
    const struct family *family = context;
    char path[64], text[4096];
    cleanup_descriptor int file = -1;
    ssize_t size;
    pid_t pid = 0;
    int error = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)family->parent, (int)tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    if (file < 0)
        return unless_ended(file);
    while (error == 0 && (size = kernel_read(file, text, sizeof text)) > 0) {
        for (ssize_t i = 0; error == 0 && i < size; i++) {
            if (isdigit((unsigned char)text[i])) {
                pid = pid * 10 + text[i] - '0';
            } else if (pid != 0) {
                error = append(family->list, pid);
                pid = 0;
            }
        }
    }
    return error == 0 && size < 0 ? unless_ended((int)size) : error;
}

static int append_if_child(pid_t pid, void *context)
{
    const struct family *family = context;
    struct process_state state;
    int error = process_state(pid, pid, &state);

    if (error < 0)
        return unless_ended(error);
    return state.parent == family->parent ? append(family->list, pid) : 0;
}

/* The file depends on the kernel's configuration (CONFIG_PROC_CHILDREN). */
static bool kernel_lists_children(void)
{
    static int known = -1;

    if (known < 0) {
        cleanup_descriptor int file = kernel_openat(AT_FDCWD, "/proc/thread-self/children", 0);

        known = file >= 0;
    }
    return known;
}

static int append_children(struct list *list, pid_t parent)
{
    struct family family = {list, parent};

    if (kernel_lists_children())
        return process_threads_visit(parent, append_listed, &family);
    return visit_numbers("/proc", append_if_child, &family);
}

int process_children_visit(pid_t parent, int (*visit)(pid_t pid, void *context), void *context)
{
    struct list list = {0};
    int result = append_children(&list, parent);

    for (size_t i = 0; result == 0 && i < list.count; i++)
        result = visit(list.pids[i], context);
    free(list.pids);
    return result;
}

/* Youngest first: among the remains of many the one that lives and forks on is the last. */
static void turn_round(pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        pid_t pid = pids[i];

        pids[i] = pids[count - 1 - i];
        pids[count - 1 - i] = pid;
    }
}

int process_tree_visit(pid_t root, int (*visit)(pid_t pid, void *context), void *context)
{
    struct list list = {0};
    int result = append(&list, root);

    for (size_t i = 0; result == 0 && i < list.count; i++) {
        pid_t pid = list.pids[i];
        size_t before = list.count;

        if (i > 0)
            result = visit(pid, context);
        if (result == 0)
            result = append_children(&list, pid);
        turn_round(list.pids + before, list.count - before);
    }
    free(list.pids);
    return result;
}

bool process_tree_contains(pid_t root, pid_t pid)
{
    struct process_state state;

    while (pid > 1 && process_state(pid, pid, &state) == 0) {
        if (state.parent == root)
            return true;
        pid = state.parent;
    }
    return false;
}
