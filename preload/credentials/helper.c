#include "credentials/helper.h"

#include "kernel.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <stddef.h>

static int control(int option, unsigned long a, unsigned long b)
{
    return (int)kernel_call(SYS_prctl, option, (long)a, (long)b, 0, 0, 0);
}

static int read_capabilities(uint64_t *effective, uint64_t *permitted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    int error = (int)kernel_call(SYS_capget, (long)&header, (long)data, 0, 0, 0, 0);

    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return error;
}

/* Makes `mask` the effective and the permitted set, and the inheritable one empty; reads back. */
static int write_capabilities(uint64_t mask)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    uint32_t low = (uint32_t)mask, high = (uint32_t)(mask >> 32);
    struct __user_cap_data_struct data[2] = {
        {.effective = low, .permitted = low}, {.effective = high, .permitted = high}};
    uint64_t effective, permitted;
    int error = (int)kernel_call(SYS_capset, (long)&header, (long)data, 0, 0, 0, 0);

    if (error < 0)
        return error;
    error = read_capabilities(&effective, &permitted);
    if (error < 0)
        return error;
    return effective == mask && permitted == mask ? 0 : -EPERM;
}

const char *credentials_missing_privilege(void)
{
    const uint64_t key = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;
    uint64_t effective, permitted;
    long bits = control(PR_GET_SECUREBITS, 0, 0);

    if (kernel_call(SYS_geteuid, 0, 0, 0, 0, 0, 0) != 0)
        return "it takes root";
    if (read_capabilities(&effective, &permitted) < 0 || (effective & key) != key)
        return "it takes the capabilities CAP_SETUID and CAP_SETGID";
    if (bits < 0 || (bits & SECBIT_NO_SETUID_FIXUP))
        return "SECBIT_NO_SETUID_FIXUP is set: a change of user would keep root's capabilities";
    return NULL;
}

int credentials_clear_ambient(void)
{
    int error = control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);

    return error == -EINVAL ? 0 : error; /* a kernel without ambient capabilities */
}

/* Does the kernel say that every id is what we asked for, and that there is no other group? */
static int check_ids(uid_t uid, gid_t gid)
{
    uid_t u[3] = {0};
    gid_t g[3] = {0};
    int error = (int)kernel_call(SYS_getresuid, (long)&u[0], (long)&u[1], (long)&u[2], 0, 0, 0);

    if (error == 0)
        error = (int)kernel_call(SYS_getresgid, (long)&g[0], (long)&g[1], (long)&g[2], 0, 0, 0);
    if (error < 0)
        return error;
    for (int i = 0; i < 3; i++) {
        if (u[i] != uid || g[i] != gid)
            return -EPERM;
    }
    return kernel_call(SYS_getgroups, 0, 0, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

static int change_ids(uid_t uid, gid_t gid)
{
    int error = (int)kernel_call(SYS_setgroups, 0, 0, 0, 0, 0, 0);

    if (error == 0)
        error = (int)kernel_call(SYS_setresgid, gid, gid, gid, 0, 0, 0);
    if (error == 0)
        error = (int)kernel_call(SYS_setresuid, uid, uid, uid, 0, 0, 0);
    return error;
}

int credentials_become_helper(uid_t uid, gid_t gid, uint64_t keep)
{
    uint64_t effective, permitted;
    int error;

    if (uid == 0 || gid == 0 || uid == (uid_t)-1 || gid == (gid_t)-1)
        return -EINVAL;
    error = read_capabilities(&effective, &permitted);
    if (error == 0)
        error = control(PR_SET_KEEPCAPS, 1, 0);
    if (error == 0)
        error = change_ids(uid, gid);
    if (error == 0)
        error = write_capabilities(keep & permitted);
    if (error == 0)
        error = control(PR_SET_KEEPCAPS, 0, 0);
    if (error == 0)
        error = control(PR_SET_NO_NEW_PRIVS, 1, 0);
    if (error == 0)
        error = credentials_clear_ambient();
    return error == 0 ? check_ids(uid, gid) : error;
}

int credentials_helper_finish(void)
{
    return write_capabilities(0);
}
