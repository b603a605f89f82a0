/* access.c: access(2) judges by the real uid, which in a scope is the guard's: ask with the peer's.
 */
#include "libc.h"
#include "scope/thread.h"

int access(const char *path, int mode)
{
    thread_check();
    if (thread_in_scope())
        return libc_calls()->faccessat(AT_FDCWD, path, mode, AT_EACCESS);
    return libc_calls()->access(path, mode);
}

int faccessat(int directory, const char *path, int mode, int flags)
{
    thread_check();
    return libc_calls()->faccessat(
        directory, path, mode, thread_in_scope() ? flags | AT_EACCESS : flags);
}
