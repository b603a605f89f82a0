/* owners.c: see owners.h. */
#include "scope/owners.h"

#include "credentials/credentials.h"
#include "kernel.h"
#include "scope/ids.h"
#include "scope/thread.h"

#include <sys/stat.h>

bool owners_pretend(int directory, const char *path, int flags, uid_t owner, gid_t group)
{
    struct stat file;

    if (!ids_are_pretended())
        return false;
    if (kernel_call(SYS_newfstatat, directory, (long)path, (long)&file, flags, 0, 0) < 0)
        return false;
    return file.st_uid == credentials_file_uid() &&
           (owner == (uid_t)-1 || owner == file.st_uid || ids_has_user(owner)) &&
           (group == (gid_t)-1 || group == file.st_gid || ids_has_group(group));
}
