/* for_good.c: see for_good.h. */
#include "credentials/for_good.h"

#include "credentials/credentials.h"
#include "credentials/set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    gid_t first = *(const gid_t *)a, second = *(const gid_t *)b;

    return (first > second) - (first < second);
}

/* setfsuid(2) and setfsgid(2), asked for nobody, say what there is. */
static bool ids_are(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];

    if (get_uids(uids) < 0 || get_gids(gids) < 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (uids[i] != uid || gids[i] != gid)
            return false;
    return (uid_t)kernel_call(SYS_setfsuid, -1, 0, 0, 0, 0, 0) == uid &&
           (gid_t)kernel_call(SYS_setfsgid, -1, 0, 0, 0, 0, 0) == gid;
}

/* The kernel keeps them in its own order. */
static bool groups_are(const struct account *account)
{
    gid_t wanted[ACCOUNT_MAX_GROUPS], found[ACCOUNT_MAX_GROUPS];
    size_t size = account->group_count * sizeof *wanted;
    long count = kernel_call(SYS_getgroups, ACCOUNT_MAX_GROUPS, (long)found, 0, 0, 0, 0);

    if (count != (long)account->group_count)
        return false;
    memcpy(wanted, account->groups, size);
    qsort(wanted, account->group_count, sizeof *wanted, compare);
    qsort(found, account->group_count, sizeof *found, compare);
    return memcmp(wanted, found, size) == 0;
}

/* The ambient set is never more than the permitted one. */
static bool has_no_capability(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    if (kernel_call(SYS_capget, (long)&header, (long)data, 0, 0, 0, 0) < 0)
        return false;
    return (data[0].effective | data[0].permitted | data[0].inheritable | data[1].effective |
               data[1].permitted | data[1].inheritable) == 0;
}

/* Is the process this account, and nothing else? */
static bool is_account(const struct account *account)
{
    return ids_are(account->uid, account->gid) && groups_are(account) &&
           (account->uid == 0 || has_no_capability());
}

static int change_ids(const struct account *account)
{
    int result = set_groups(account->group_count, account->groups);

    if (result == 0)
        result = set_gids(account->gid);
    if (result == 0)
        result = set_uids(account->uid, account->uid, account->uid);
    return result;
}

/* Not left to what a change of user does by itself: securebits may say otherwise. */
static int drop_capabilities(void)
{
    int result = process_control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);

    if (result == 0 || result == -EINVAL) /* a kernel without ambient capabilities */
        result = set_capabilities(0, 0, 0);
    return result;
}

static int become(const struct account *account)
{
    int result = change_ids(account);

    if (result == 0 && account->uid != 0)
        result = drop_capabilities();
    if (result == 0)
        result = credentials_leave_keyring();
    return result;
}

int credentials_become(const struct account *account)
{
    uint64_t signals;
    int result;

    if (account->uid == (uid_t)-1 || account->gid == (gid_t)-1)
        return -EPERM;
    if (account->group_count > ACCOUNT_MAX_GROUPS)
        return -EINVAL;
    if (is_account(account))
        return 0;
    signals = block_signals();
    result = become(account);
    restore_signals(signals);
    if (result == 0 && !is_account(account))
        result = -EPERM;
    return result;
}

bool credentials_may_change(void)
{
    uint64_t effective, permitted;

    return get_capabilities(&effective, &permitted) < 0 || permitted != 0;
}
