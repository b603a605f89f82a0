/*
 * root.c: the one capability that a sealed task may keep, for a root directory of its own.
 *
 * Invariant: CAP_SYS_CHROOT is effective within credentials_change_root() alone, in a task that has
 * NO_NEW_PRIVS, and in no set at all from then on. What is executed never has it.
 */
#include "credentials/credentials.h"

#include "credentials/place.h"
#include "credentials/set.h"

#include <errno.h>

#include <linux/securebits.h>

static const uint64_t root = UINT64_C(1) << CAP_SYS_CHROOT;

/*
 * An ambient capability would outlive an exec. That needs CAP_SETPCAP; without it what remains is
 * that nobody's code but the server's runs in a task that has the capability.
 */
static void forbid_ambient(void)
{
    int bits = process_control(PR_GET_SECUREBITS, 0, 0);

    if (bits >= 0)
        process_control(PR_SET_SECUREBITS,
            (unsigned)bits | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0);
}

void credentials_offer_root(void)
{
    uint64_t effective, permitted;

    if (!credentials_base()->has_key || get_capabilities(&effective, &permitted) < 0 ||
        !(permitted & root))
        return;
    place.root = root;
    place.permitted |= root;
    forbid_ambient();
}

bool credentials_may_change_root(void)
{
    uint64_t effective, permitted;
    uid_t uids[3];

    return get_capabilities(&effective, &permitted) == 0 && permitted == root && effective == 0 &&
           get_uids(uids) == 0 && uids[0] == uids[1] && uids[1] == uids[2] && uids[0] != 0 &&
           process_control(PR_GET_NO_NEW_PRIVS, 0, 0) == 1;
}

int credentials_seal_child(uid_t uid)
{
    return seal_keeping(uid, place.root);
}

static void give_up(void)
{
    uint64_t effective, permitted;
    int result = set_capabilities(0, 0, 0);

    if (result < 0 || get_capabilities(&effective, &permitted) < 0 || effective || permitted)
        credentials_die(-result);
}

int credentials_change_root(const char *path)
{
    uint64_t signals;
    int result;

    if (!credentials_may_change_root())
        return -EPERM;
    signals = block_signals();
    result = set_capabilities(root, root, 0);
    if (result == 0)
        result = (int)kernel_call(SYS_chroot, (long)path, 0, 0, 0, 0, 0);
    give_up();
    restore_signals(signals);
    return result;
}

void credentials_give_up_root(void)
{
    if (credentials_may_change_root())
        give_up();
}
