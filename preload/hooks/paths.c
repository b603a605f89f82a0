/* paths.c: what takes a name away; that of a served socket stays. And who has another root. */
#include "instance/instance.h"
#include "libc.h"
#include "scope/root.h"
#include "scope/thread.h"

int unlink(const char *path)
{
    thread_check();
    return instance_keeps_path(AT_FDCWD, path) ? 0 : libc_calls()->unlink(path);
}

int unlinkat(int directory, const char *path, int flags)
{
    thread_check();
    if (!(flags & AT_REMOVEDIR) && instance_keeps_path(directory, path))
        return 0;
    return libc_calls()->unlinkat(directory, path, flags);
}

int remove(const char *path)
{
    thread_check();
    return instance_keeps_path(AT_FDCWD, path) ? 0 : libc_calls()->remove(path);
}

int chroot(const char *path)
{
    thread_check();
    return scope_chroot(path);
}
