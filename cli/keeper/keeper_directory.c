#include "cleanup.h"
#include "keeper_process.h"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };

struct gift {
    uid_t uid;
    gid_t gid;
};

static int give_tree(const struct gift *gift, int place, unsigned depth);

static void close_directory(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* What is mounted or has gone is passed over. */
static int give_entry(const struct gift *gift, int directory, const char *name, unsigned depth)
{
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
    cleanup_descriptor int place =
        (int)kernel_call(SYS_openat2, directory, (long)name, (long)&how, sizeof how, 0, 0);

    if (place == -EXDEV || place == -ENOENT)
        return 0;
    return place < 0 ? place : give_tree(gift, place, depth);
}

static int give_entries(const struct gift *gift, int place, unsigned depth)
{
    int opened = kernel_openat(place, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    __attribute__((cleanup(close_directory))) DIR *directory = NULL;
    const struct dirent *entry;
    int error = 0;

    if (opened < 0)
        return opened;
    directory = fdopendir(opened);
    if (!directory) {
        kernel_close(opened);
        return -ENOMEM;
    }
    errno = 0;
    while (error == 0 && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = give_entry(gift, opened, entry->d_name, depth + 1);
        errno = 0;
    }
    return error < 0 ? error : -errno;
}

/* `place` is any kind of file, opened with O_PATH. */
static int give_tree(const struct gift *gift, int place, unsigned depth)
{
    struct stat status;
    int error = 0;

    if (depth > MAX_DEPTH)
        return -ELOOP;
    if (fstat(place, &status) < 0)
        return -errno;
    if (S_ISREG(status.st_mode) && status.st_nlink > 1)
        return 0;
    if (S_ISDIR(status.st_mode))
        error = give_entries(gift, place, depth);
    if (error == 0 && fchownat(place, "", gift->uid, gift->gid, AT_EMPTY_PATH) < 0)
        error = -errno;
    return error;
}

int keeper_give_directory(const char *path, uid_t uid, gid_t gid)
{
    const struct gift gift = {uid, gid};
    cleanup_descriptor int place = kernel_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);

    return place < 0 ? place : give_tree(&gift, place, 0);
}
