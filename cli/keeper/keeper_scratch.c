/*
 * keeper_scratch.c: files without a name that the server made for itself before it was sealed.
 *
 * Nothing but the processes that have such a file open can reach it; a server that goes on to use
 * it as its own (gunicorn's workers change its mode once a second to say that they live) needs its
 * owner to change with the processes'. What the server was given by whoever started it (standard
 * descriptors and inherited ones) is not its own and is left alone.
 */
#include "keeper_process.h"

#include "process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct giving {
    const struct keeper_plan *plan;
    uid_t uid;
    gid_t gid;
};

static bool was_given(const struct keeper_plan *plan, long number)
{
    if (number <= STDERR_FILENO)
        return true;
    for (size_t i = 0; i < keeper_count_inherited(plan); i++)
        if (plan->inherited[i] == number)
            return true;
    return false;
}

/* Base's, and nobody else's: not even somebody's who has another name for it. */
static bool is_scratch(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0 &&
           status.st_uid == getuid() && !(status.st_mode & (S_ISUID | S_ISGID));
}

static int give_files(pid_t pid, void *context)
{
    const struct giving *giving = context;
    char path[300];
    struct dirent *entry;
    DIR *directory;
    int error = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    while (directory && error == 0 && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.' || was_given(giving->plan, strtol(entry->d_name, NULL, 10)))
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
        if (is_scratch(path) && chown(path, giving->uid, giving->gid) < 0 && errno != ENOENT)
            error = -errno;
    }
    if (directory)
        closedir(directory);
    return error;
}

int keeper_give_scratch(const struct keeper_plan *plan, uid_t uid, gid_t gid)
{
    struct giving giving = {plan, uid, gid};

    return process_tree_visit(getpid(), give_files, &giving);
}
