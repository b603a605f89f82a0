/*
 * seal.c: a task becomes one account's for good.
 *
 * Runs in the child of a fork or vfork, or just before an exec: nothing here may write memory that
 * a vfork child shares with its parent.
 */
#include "credentials/credentials.h"

#include "credentials/place.h"
#include "credentials/set.h"

#include <errno.h>

#include <linux/keyctl.h>

/* No uid but this one, in any place, and no capability but what is kept, which is not effective? */
static bool is_sealed(uid_t uid, uint64_t kept)
{
    uint64_t effective, permitted;
    uid_t uids[3];

    if (get_uids(uids) < 0 || get_capabilities(&effective, &permitted) < 0)
        return false;
    return uids[0] == uid && uids[1] == uid && uids[2] == uid && effective == 0 &&
           permitted == kept;
}

/* The base's session keyring stays behind. A kernel or a container without keys has none to leave.
 */
int credentials_leave_keyring(void)
{
    int result =
        (int)kernel_call(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0 /* a new one */, 0, 0, 0, 0);

    return result >= 0 || result == -ENOSYS || result == -EPERM ? 0 : result;
}

static int seal(uid_t uid, uint64_t kept)
{
    uid_t uids[3];
    int result = set_capabilities(KEY, KEY | kept, 0);

    /* Groups and gids are the scope's already; they are another's if the effective uid is. */
    if (result == 0 && (get_uids(uids) < 0 || uids[1] != uid))
        result = -EPERM;
    if (result == 0)
        result = set_uids(uid, uid, uid);
    if (result == 0)
        result = process_control(PR_SET_KEEPCAPS, 0, 0);
    if (result == 0)
        result = process_control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
    if (result == 0 && kept)
        result = process_control(PR_SET_NO_NEW_PRIVS, 1, 0);
    if (result == 0)
        result = set_capabilities(0, kept, 0);
    if (result == 0)
        result = credentials_leave_keyring();
    if (result == 0 && !is_sealed(uid, kept))
        result = -EPERM;
    return result;
}

int seal_keeping(uid_t uid, uint64_t kept)
{
    uint64_t signals;
    int result;

    if (uid == 0 || uid == (uid_t)-1)
        return -EPERM;
    if (is_sealed(uid, kept))
        return 0;
    signals = block_signals();
    result = seal(uid, kept);
    restore_signals(signals);
    return result;
}

int credentials_seal(uid_t uid)
{
    return seal_keeping(uid, 0);
}
