#include "credentials/helper.h"

#include "credentials/set.h"

#include <errno.h>
#include <linux/securebits.h>

const char *credentials_missing_privilege(void)
{
    uint64_t effective = 0, permitted = 0;
    int bits = process_control(PR_GET_SECUREBITS, 0, 0);

    if (kernel_call(SYS_geteuid, 0, 0, 0, 0, 0, 0) != 0)
        return "that takes root";
    if (get_capabilities(&effective, &permitted) < 0 || (effective & KEY) != KEY)
        return "that takes the capabilities CAP_SETUID and CAP_SETGID";
    if (bits < 0 || (bits & SECBIT_NO_SETUID_FIXUP))
        return "SECBIT_NO_SETUID_FIXUP is set: a change of user would keep root's capabilities";
    return NULL;
}

int credentials_clear_ambient(void)
{
    int error = process_control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);

    return error == -EINVAL ? 0 : error; /* a kernel without ambient capabilities */
}

/* Makes `mask` the effective and the permitted set, the inheritable one empty, and reads back. */
static int keep_capabilities(uint64_t mask)
{
    uint64_t effective = 0, permitted = 0;
    int error = set_capabilities(mask, mask, 0);

    if (error == 0)
        error = get_capabilities(&effective, &permitted);
    if (error < 0)
        return error;
    return effective == mask && permitted == mask ? 0 : -EPERM;
}

/* Does the kernel say that every id is what we asked for, and that there is no other group? */
static int check_ids(uid_t uid, gid_t gid)
{
    uid_t uids[3] = {0};
    gid_t gids[3] = {0};
    int error = get_uids(uids);

    if (error == 0)
        error = get_gids(gids);
    if (error < 0)
        return error;
    for (int i = 0; i < 3; i++) {
        if (uids[i] != uid || gids[i] != gid)
            return -EPERM;
    }
    return kernel_call(SYS_getgroups, 0, 0, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

static int change_ids(uid_t uid, gid_t gid)
{
    int error = set_groups(0, NULL);

    if (error == 0)
        error = set_gids(gid);
    if (error == 0)
        error = set_uids(uid, uid, uid);
    return error;
}

int credentials_become_helper(uid_t uid, gid_t gid, uint64_t keep)
{
    uint64_t effective = 0, permitted = 0;
    int error;

    if (uid == 0 || gid == 0 || uid == (uid_t)-1 || gid == (gid_t)-1)
        return -EINVAL;
    error = get_capabilities(&effective, &permitted);
    if (error == 0)
        error = process_control(PR_SET_KEEPCAPS, 1, 0);
    if (error == 0)
        error = change_ids(uid, gid);
    if (error == 0)
        error = keep_capabilities(keep & permitted);
    if (error == 0)
        error = process_control(PR_SET_KEEPCAPS, 0, 0);
    if (error == 0)
        error = process_control(PR_SET_NO_NEW_PRIVS, 1, 0);
    if (error == 0)
        error = credentials_clear_ambient();
    return error == 0 ? check_ids(uid, gid) : error;
}

int credentials_helper_finish(void)
{
    return keep_capabilities(0);
}
