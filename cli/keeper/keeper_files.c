/*
 * keeper_files.c: what the processes of an instance have open when it is about to be somebody's.
 *
 * A listening socket must not be among it: listeners are the supervisor's, and who has one takes
 * every account's clients. The library replaces those it sees; this looks for those it did not see,
 * and for those that may listen later: on an address that another instance has bound, too.
 *
 * A file without a name that the server made for itself changes its owner with the processes.
 * Nothing but them can reach it, and a server that goes on to use it as its own (gunicorn's workers
 * change its mode once a second to say that they live) needs that. What the server was given by
 * whoever started it is not its own and is left alone; so is what it has open for reading or for
 * writing alone, such as a log that somebody has removed: as its owner it could do both.
 */
#include "cleanup.h"
#include "keeper_process.h"
#include "process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct looking {
    const struct keeper_given *given;
    uid_t uid;
    gid_t gid;
    char *text;
    size_t size;
    uid_t users[16]; /* whom the processes are: base, and for whom some gave that up */
    size_t user_count;
    pid_t pid; /* the process that is looked at */
};

static void note(struct keeper_given *given, int number)
{
    struct stat status;

    if (given->count == sizeof given->files / sizeof given->files[0] || fstat(number, &status) < 0)
        return;
    given->files[given->count].device = status.st_dev;
    given->files[given->count].inode = status.st_ino;
    given->count++;
}

void keeper_note_given(const struct keeper_plan *plan, struct keeper_given *given)
{
    given->count = 0;
    note(given, plan->output);
    note(given, plan->log);
    for (size_t i = 0; i < keeper_count_inherited(plan); i++)
        note(given, plan->inherited[i]);
}

static bool was_given(const struct keeper_given *given, const struct stat *status)
{
    for (size_t i = 0; i < given->count; i++)
        if (given->files[i].inode == status->st_ino && given->files[i].device == status->st_dev)
            return true;
    return false;
}

static bool is_a_user(const struct looking *looking, uid_t user)
{
    for (size_t i = 0; i < looking->user_count; i++)
        if (looking->users[i] == user)
            return true;
    return false;
}

/* The server's own, and nobody else's: not even somebody's who has another name for it. */
static bool is_scratch(const struct looking *looking, const char *path, const struct stat *file)
{
    struct stat link; /* its mode tells what it is open for */

    return S_ISREG(file->st_mode) && file->st_nlink == 0 && is_a_user(looking, file->st_uid) &&
           !(file->st_mode & (S_ISUID | S_ISGID)) && lstat(path, &link) == 0 &&
           (link.st_mode & S_IRUSR) && (link.st_mode & S_IWUSR) && !was_given(looking->given, file);
}

static int check_socket(const struct looking *looking, int process, int number)
{
    cleanup_descriptor int copy = (int)kernel_call(SYS_pidfd_getfd, process, number, 0, 0, 0, 0);
    const char *kind = copy >= 0 ? keeper_socket_awaits(copy) : NULL;
    char name[PROCESS_NAME_SIZE];

    if (copy < 0 && copy != -EBADF && copy != -ESRCH) /* neither closed nor killed meanwhile */
        return copy;
    if (!kind)
        return 0;
    process_name(looking->pid, name);
    snprintf(looking->text, looking->size,
        "process %d (%s) has a %s socket (descriptor %d), which would bring it other accounts' "
        "clients",
        (int)looking->pid, name, kind, number);
    return -EPERM;
}

static int look_at(const struct looking *looking, int process, int number)
{
    char path[64];
    struct stat status;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)looking->pid, number);
    if (stat(path, &status) < 0)
        return 0; /* closed meanwhile */
    if (S_ISSOCK(status.st_mode))
        return check_socket(looking, process, number);
    if (is_scratch(looking, path, &status) && chown(path, looking->uid, looking->gid) < 0 &&
        errno != ENOENT)
        return -errno;
    return 0;
}

static int look_at_process(pid_t pid, void *context)
{
    struct looking *looking = context;
    cleanup_descriptor int process = (int)kernel_call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
    struct dirent *entry;
    char path[32];
    DIR *directory;
    int error = 0;

    looking->pid = pid;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    if (!directory && errno != ENOENT)
        return -errno;
    if (process < 0 && process != -ESRCH)
        error = process;
    while (directory && error == 0 && (entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            error = look_at(looking, process, (int)strtol(entry->d_name, NULL, 10));
    if (directory)
        closedir(directory);
    return error;
}

static int note_user(pid_t pid, void *context)
{
    struct looking *looking = context;
    uid_t user = process_user(pid);

    if (user != (uid_t)-1 && !is_a_user(looking, user) &&
        looking->user_count < sizeof looking->users / sizeof looking->users[0])
        looking->users[looking->user_count++] = user;
    return 0;
}

int keeper_look_at_files(
    const struct keeper_given *given, uid_t uid, gid_t gid, char *text, size_t size)
{
    struct looking looking = {.given = given,
        .uid = uid,
        .gid = gid,
        .text = text,
        .size = size,
        .users = {getuid()},
        .user_count = 1};
    int error = process_tree_visit(getpid(), note_user, &looking);

    if (error == 0)
        error = process_tree_visit(getpid(), look_at_process, &looking);
    if (error < 0 && text[0] == '\0')
        snprintf(text, size, "what its processes have open cannot be looked at");
    return error;
}
