/* owners.c: chown(2) and its kin. What is told of a refusal stands in scope/owners.c. */
#include "scope/owners.h"

#include "libc.h"
#include "scope/thread.h"

#include <errno.h>

/* How a file was named, and what errno was before that. */
struct naming {
    int directory;
    const char *path;
    int flags;
    int errno_before;
};

static int answer(int result, const struct naming *naming, uid_t owner, gid_t group)
{
    if (result == 0 || errno != EPERM ||
        !owners_pretend(naming->directory, naming->path, naming->flags, owner, group))
        return result;
    errno = naming->errno_before;
    return 0;
}

int chown(const char *path, uid_t owner, gid_t group)
{
    struct naming naming = {AT_FDCWD, path, 0, errno};

    thread_check();
    return answer(libc_calls()->chown(path, owner, group), &naming, owner, group);
}

int lchown(const char *path, uid_t owner, gid_t group)
{
    struct naming naming = {AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, errno};

    thread_check();
    return answer(libc_calls()->lchown(path, owner, group), &naming, owner, group);
}

int fchown(int number, uid_t owner, gid_t group)
{
    struct naming naming = {number, "", AT_EMPTY_PATH, errno};

    thread_check();
    return answer(libc_calls()->fchown(number, owner, group), &naming, owner, group);
}

int fchownat(int directory, const char *path, uid_t owner, gid_t group, int flags)
{
    struct naming naming = {directory, path, flags, errno};

    thread_check();
    return answer(
        libc_calls()->fchownat(directory, path, owner, group, flags), &naming, owner, group);
}
