/*
 * serving.c: the whole process goes to ground, once.
 *
 * Invariant: when credentials_begin_serving() has returned 0, no thread that libc knows has more
 * than ground, and /proc, where there is one, has shown none with user id 0. Whatever fails on the
 * way there is the caller's to end the process for: base is no place to serve from.
 */
#include "credentials/credentials.h"

#include "credentials/place.h"
#include "credentials/set.h"
#include "credentials/threads.h"
#include "libc.h"

#include <errno.h>

uid_t credentials_ground_uid(void)
{
    return place.ground.uid;
}

gid_t credentials_ground_gid(void)
{
    return place.ground.gid;
}

bool credentials_ground_is_chosen(void)
{
    return place.chosen;
}

/* Every thread at once, by libc's own signal: one that never calls a hook again is lowered too. */
static int lower_all_threads(uid_t effective)
{
    const struct libc_calls *libc = libc_calls();
    const struct account *ground = &place.ground;

    if (effective != 0 && libc->seteuid(0) < 0) /* lent itself out; real or saved uid is 0 */
        return -errno;
    if (libc->setgroups(ground->group_count, ground->groups) < 0)
        return -errno;
    if (libc->setresgid(ground->gid, ground->gid, ground->gid) < 0)
        return -errno;
    return libc->setresuid(ground->uid, ground->uid, ground->uid) < 0 ? -errno : 0;
}

/* It may have lowered one thread alone, by raw calls: those that libc knows follow. */
static int lower_all_threads_to_chosen(void)
{
    const struct libc_calls *libc = libc_calls();
    const struct account *ground = &place.ground;

    if (libc->setresgid(ground->gid, ground->gid, ground->gid) < 0)
        return -errno;
    return libc->setresuid(ground->uid, ground->uid, ground->uid) < 0 ? -errno : 0;
}

static void choose_ground(const struct settings *settings, uid_t effective)
{
    if (settings->ground == GROUND_ACCOUNT) {
        place.ground = settings->ground_account;
    } else if (settings->ground == GROUND_BASE && effective == 0) {
        uint64_t unused;

        place_read_current(&place.ground);
        get_capabilities(&unused, &place.permitted);
    } else {
        place.ground = (struct account){.uid = settings->guard_uid, .gid = settings->guard_gid};
    }
}

int credentials_begin_serving(const struct settings *settings)
{
    int saved_errno = errno, result = 0;
    uid_t uids[3];

    get_uids(uids);
    if (uids[0] != 0 && uids[1] != 0 && uids[2] != 0) {
        result = place_read_current(&place.ground);
        place.chosen = true;
        if (result == 0)
            result = lower_all_threads_to_chosen();
    } else {
        choose_ground(settings, uids[1]);
        if (place.ground.uid != 0)
            result = lower_all_threads(uids[1]);
    }
    if (result == 0 && place.ground.uid != 0)
        result = threads_are_lowered();
    place.outer = place.ground.uid != 0 ? place.ground.uid : settings->guard_uid;
    errno = saved_errno;
    return result;
}
