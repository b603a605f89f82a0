/*
 * scratch.c: scratch memory that the server made for itself before it serves.
 *
 * A file without a name belongs to the processes that have it open and to nobody else. A server
 * that uses such a one as its own (gunicorn's workers change its mode once a second to say that
 * they live) cannot go on when its ids change and the file's do not: so its owner changes with
 * them. Files that have a name, belong to somebody else than base, or are not open for both reading
 * and writing (a log that was removed) are left alone.
 */
#include "scope/scratch.h"

#include "credentials/credentials.h"
#include "kernel.h"

#include <sys/stat.h>
#include <unistd.h>

/* Such files are opened early; who has opened more before it serves has them open for long. */
enum { LOOKED_AT = 1024 };

static void give(int number, uid_t uid, gid_t gid)
{
    struct stat status;

    if (kernel_call(SYS_fstat, number, (long)&status, 0, 0, 0, 0) < 0)
        return;
    if (S_ISREG(status.st_mode) && status.st_nlink == 0 &&
        status.st_uid == credentials_base()->uid && !(status.st_mode & (S_ISUID | S_ISGID)) &&
        (kernel_fcntl(number, F_GETFL, 0) & O_ACCMODE) == O_RDWR)
        kernel_call(SYS_fchown, number, uid, gid, 0, 0, 0);
}

void scratch_give(uid_t ground, gid_t group)
{
    for (int number = STDERR_FILENO + 1; number < LOOKED_AT; number++)
        give(number, ground, group);
}
