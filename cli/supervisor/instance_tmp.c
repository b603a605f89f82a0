#include "instance_tmp.h"

#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    DEPTH = 32,           /* deeper ones are brought up first */
    FILES_AT_ONCE = 2000, /* some milliseconds */
    FILES_AT_ALL =
        100000000, /* who makes new ones as fast as we remove does not keep us for ever */
};

static const char prefix[] = "wsapeer-", inner[] = "tmp";

/* ---- making ---------------------------------------------------------------------------------- */

/* Can nobody but root and us change what the names in this directory stand for? */
static int check_directory(const char *path)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        return -ENOTDIR;
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return -EPERM;
    return (status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX) ? -EPERM : 0;
}

/* `path` is absolute and without links, as realpath(3) leaves it; it is put together again. */
static int check_way(char *path)
{
    int error = check_directory("/");

    for (char *slash = path; error == 0 && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        error = check_directory(path);
        if (slash)
            *slash = '/';
    }
    return error;
}

static int find_place(char *place)
{
    const char *named = getenv("TMPDIR");

    if (!realpath(named && *named ? named : "/tmp", place))
        return -errno;
    return check_way(place);
}

static int make(unsigned number, char *path, size_t size)
{
    char place[PATH_MAX], outer[PATH_MAX];
    int error = find_place(place), length;

    if (error < 0)
        return error;
    length = snprintf(outer, sizeof outer, "%s/%s%u-XXXXXX", place, prefix, number);
    if (length < 0 || (size_t)length + sizeof inner + 1 > size || (size_t)length >= sizeof outer)
        return -ENAMETOOLONG;
    if (!mkdtemp(outer))
        return -errno;
    snprintf(path, size, "%s/%s", outer, inner);
    /* Its account must get through; the mode of the inner one keeps others out. */
    if (mkdir(path, 0700) == 0 && chmod(path, 0700) == 0 && chmod(outer, 0711) == 0)
        return 0;
    error = -errno;
    rmdir(path);
    rmdir(outer);
    return error;
}

int instance_tmp_make(unsigned number, char *path, size_t size)
{
    int error = make(number, path, size);

    if (error < 0 && size > 0)
        path[0] = '\0';
    return error;
}

/* ---- removing -------------------------------------------------------------------------------- */

struct removal {
    int top;         /* the outer directory, which only we can write to */
    unsigned budget; /* how many more times something may be removed */
    unsigned moved;
};

static int open_directory(int parent, const char *name)
{
    const struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
}

static bool empty(struct removal *removal, int directory, unsigned depth);

/* What is too deep becomes an entry of the top, to be found when that is gone through again. */
static bool bring_up(struct removal *removal, int directory, const char *name)
{
    char place[32];

    snprintf(place, sizeof place, "%u", removal->moved++);
    return renameat(directory, name, removal->top, place) == 0;
}

static bool empty_below(struct removal *removal, int directory, const char *name, unsigned depth)
{
    cleanup_descriptor int below = open_directory(directory, name);
    bool progress = below >= 0 && empty(removal, below, depth);

    return unlinkat(directory, name, AT_REMOVEDIR) == 0 || progress;
}

/* Returns whether anything has changed. Nothing is asked before: who answers may have changed it.
 */
static bool remove_entry(struct removal *removal, int directory, const char *name, unsigned depth)
{
    if (removal->budget == 0)
        return false;
    removal->budget--;
    if (unlinkat(directory, name, 0) == 0)
        return true;
    if (errno != EISDIR)
        return false;
    if (unlinkat(directory, name, AT_REMOVEDIR) == 0)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST) /* EBUSY: something is mounted there */
        return false;
    return depth == DEPTH ? bring_up(removal, directory, name)
                          : empty_below(removal, directory, name, depth + 1);
}

/* Once through the directory. */
static bool pass(struct removal *removal, int directory, unsigned depth)
{
    _Alignas(struct dirent64) char entries[4096];
    bool progress = false;
    ssize_t length;

    if (lseek(directory, 0, SEEK_SET) < 0)
        return false;
    while (removal->budget > 0 && (length = getdents64(directory, entries, sizeof entries)) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                progress |= remove_entry(removal, directory, entry->d_name, depth);
        }
    }
    return progress;
}

/* As long as it changes something: a directory that changes is not always read whole. */
static bool empty(struct removal *removal, int directory, unsigned depth)
{
    bool progress = false;

    while (pass(removal, directory, depth))
        progress = true;
    return progress;
}

/* The directory in which the outer one stands, and its name. */
static int open_place(const char *path, char *name, size_t size)
{
    char place[PATH_MAX];
    char *last, *outer;

    if (snprintf(place, sizeof place, "%s", path) >= (int)sizeof place)
        return -ENAMETOOLONG;
    last = strrchr(place, '/');
    if (!last || strcmp(last + 1, inner) != 0)
        return -EINVAL;
    *last = '\0';
    outer = strrchr(place, '/');
    if (!outer || outer == place || strncmp(outer + 1, prefix, sizeof prefix - 1) != 0)
        return -EINVAL;
    snprintf(name, size, "%s", outer + 1);
    *outer = '\0';
    return open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Returns whether it is gone, or nothing of it can be removed. */
static bool try_to_remove(const char *path, unsigned budget)
{
    char name[NAME_MAX + 1];
    cleanup_descriptor int place = open_place(path, name, sizeof name);
    cleanup_descriptor int top = place < 0 ? -1 : open_directory(place, name);
    struct removal removal = {.top = top, .budget = budget};
    struct stat status;

    if (top < 0 || fstat(top, &status) < 0 || status.st_uid != geteuid())
        return true;
    empty(&removal, top, 0);
    return unlinkat(place, name, AT_REMOVEDIR) == 0 || removal.budget > 0;
}

/* ---- a child for what is too much ------------------------------------------------------------ */

struct remover {
    struct remover *next;
    pid_t pid;
    int process; /* pidfd: whoever has that pid later is not meant */
};

static struct remover *removers;

static bool has_ended(const struct remover *remover)
{
    struct pollfd end = {remover->process, POLLIN, 0};

    return poll(&end, 1, 0) != 0;
}

static void note(pid_t pid)
{
    struct remover *remover = malloc(sizeof *remover);

    if (!remover)
        return;
    *remover = (struct remover){
        .next = removers, .pid = pid, .process = (int)syscall(SYS_pidfd_open, pid, 0)};
    removers = remover;
}

bool instance_tmp_is_remover(pid_t child)
{
    struct remover **place = &removers;
    bool found = false;

    while (*place) {
        struct remover *remover = *place;

        if (!has_ended(remover)) {
            found |= remover->pid == child;
            place = &remover->next;
            continue;
        }
        *place = remover->next;
        descriptor_cleanup(&remover->process);
        free(remover);
    }
    return found;
}

__attribute__((noreturn)) static void be_remover(const char *path)
{
    syscall(SYS_close_range, 0, UINT_MAX, 0);
    prctl(PR_SET_NAME, "wsapeer-remove");
    try_to_remove(path, FILES_AT_ALL);
    _exit(0);
}

void instance_tmp_remove(const char *path)
{
    pid_t child;

    if (try_to_remove(path, FILES_AT_ONCE))
        return;
    child = fork();
    if (child == 0)
        be_remover(path);
    if (child > 0)
        note(child);
}
