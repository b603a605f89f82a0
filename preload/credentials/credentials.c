/*
 * credentials.c: a thread's switches between ground and accounts.
 *
 * How it fails: every step is checked and the result read back; see credentials.h.
 */
#include "credentials/credentials.h"

#include "credentials/place.h"
#include "credentials/set.h"

#include <errno.h>
#include <string.h>

struct place place = {.ground = {.uid = (uid_t)-1}};

enum { HELD_GROUPS = 32 };

/*
 * What the calling thread believes to have; `known` is false until its first switch. Groups are
 * remembered as far as they fit, so that equal ones are not set again.
 */
static __thread struct {
    bool known;
    uid_t outer; /* real and saved */
    uid_t effective;
    gid_t gid;
    unsigned group_count;
    gid_t groups[HELD_GROUPS];
} held;
static __thread int death_signal;

static struct credentials_base base;

void (*credentials_last_words)(int error);

const struct credentials_base *credentials_base(void)
{
    return &base;
}

int credentials_prepare(void)
{
    uint64_t effective, permitted;
    uid_t uids[3];
    gid_t gids[3];
    int result = get_capabilities(&effective, &permitted);

    if (result < 0)
        return result;
    get_uids(uids);
    get_gids(gids);
    base = (struct credentials_base){.uid = uids[1], .gid = gids[1]};
    base.has_key = (permitted & KEY) == KEY;
    place.permitted = KEY;
    process_control(PR_GET_PDEATHSIG, (unsigned long)&death_signal, 0);
    return base.has_key ? process_control(PR_SET_KEEPCAPS, 1, 0) : 0;
}

bool credentials_still_have_key(void)
{
    uint64_t effective, permitted;

    if (base.has_key && get_capabilities(&effective, &permitted) == 0)
        base.has_key = (permitted & KEY) == KEY;
    return base.has_key;
}

static bool groups_equal(const struct account *account)
{
    return held.known && account->group_count == held.group_count &&
           account->group_count <= HELD_GROUPS &&
           memcmp(account->groups, held.groups, account->group_count * sizeof(gid_t)) == 0;
}

static int read_back(uid_t outer, const struct account *account)
{
    uid_t uids[3] = {0};
    gid_t gids[3] = {0};

    if (get_uids(uids) < 0 || get_gids(gids) < 0)
        return -EPERM;
    if (uids[0] != outer || uids[1] != account->uid || uids[2] != outer)
        return -EPERM;
    return gids[0] == account->gid && gids[1] == account->gid && gids[2] == account->gid ? 0
                                                                                         : -EPERM;
}

/* Raise the key, change, lower it. Which ids a thread is left with after an error is unknown. */
static int change(uid_t outer, const struct account *account)
{
    int result = set_capabilities(KEY, place.permitted, 0);

    if (result == 0 && !groups_equal(account))
        result = set_groups(account->group_count, account->groups);
    if (result == 0)
        result = set_gids(account->gid);
    if (result == 0)
        result = set_uids(outer, account->uid, outer);
    /* Ground is uid 0 with --ground=base alone, and then has what base had. */
    if (result == 0)
        result = set_capabilities(account->uid == 0 ? place.permitted : 0, place.permitted, 0);
    return result == 0 ? read_back(outer, account) : result;
}

static void remember(uid_t outer, const struct account *account)
{
    held.outer = outer;
    held.known = account->group_count <= HELD_GROUPS;
    held.effective = account->uid;
    held.gid = account->gid;
    held.group_count = account->group_count;
    if (held.known)
        memcpy(held.groups, account->groups, account->group_count * sizeof(gid_t));
}

static int switch_to(uid_t outer, const struct account *account)
{
    uint64_t signals = block_signals();
    int result = change(outer, account);

    if (result == 0) {
        remember(outer, account);
        if (death_signal) /* each change of ids clears it, prctl(2) */
            process_control(PR_SET_PDEATHSIG, (unsigned long)death_signal, 0);
    } else {
        held.known = false;
    }
    restore_signals(signals);
    return result;
}

void credentials_die(int error)
{
    if (credentials_last_words)
        credentials_last_words(error);
    for (;;)
        kernel_call(SYS_exit_group, 125, 0, 0, 0, 0, 0);
}

/*
 * A thread made before the library could tell it to keep the key (by the constructor of another
 * library) has none, and can never have been anybody: libc's signal lowered it.
 */
static bool is_at_ground_without_key(void)
{
    uint64_t effective, permitted;
    gid_t groups[ACCOUNT_MAX_GROUPS];
    long count;

    if (get_capabilities(&effective, &permitted) < 0 || (permitted & KEY) == KEY || effective ||
        read_back(place.ground.uid, &place.ground) < 0)
        return false;
    count = kernel_call(SYS_getgroups, ACCOUNT_MAX_GROUPS, (long)groups, 0, 0, 0, 0);
    return count == (long)place.ground.group_count &&
           memcmp(groups, place.ground.groups, (size_t)count * sizeof *groups) == 0;
}

void credentials_ground(void)
{
    int result = switch_to(place.ground.uid, &place.ground);

    if (result < 0 && !is_at_ground_without_key())
        credentials_die(-result);
}

int credentials_enter(const struct account *account)
{
    int result;

    if (account->uid == 0 || account->uid == (uid_t)-1 || account->gid == (gid_t)-1)
        result = -EPERM;
    else
        result = switch_to(place.outer, account);
    if (result < 0)
        credentials_ground();
    return result;
}

/* What it tells when it is asked for nobody (setfsuid(2)). */
uid_t credentials_file_uid(void)
{
    return (uid_t)kernel_call(SYS_setfsuid, -1, 0, 0, 0, 0, 0);
}

int credentials_verify(void)
{
    uid_t uids[3];

    if (!held.known)
        return 0;
    get_uids(uids);
    return uids[0] == held.outer && uids[1] == held.effective && uids[2] == held.outer ? 0
                                                                                       : -ESTALE;
}

int place_read_current(struct account *account)
{
    uid_t uids[3];
    gid_t gids[3];
    long count;

    if (held.known) {
        account->uid = held.effective;
        account->gid = held.gid;
        account->group_count = held.group_count;
        memcpy(account->groups, held.groups, held.group_count * sizeof(gid_t));
        return 0;
    }
    get_uids(uids);
    get_gids(gids);
    count = kernel_call(SYS_getgroups, ACCOUNT_MAX_GROUPS, (long)account->groups, 0, 0, 0, 0);
    if (count < 0)
        return (int)count;
    account->uid = uids[1];
    account->gid = gids[1];
    account->group_count = (unsigned)count;
    return 0;
}

int credentials_suspend(struct account *before)
{
    int result = place_read_current(before);

    if (result == 0)
        credentials_ground();
    return result;
}

int credentials_resume(const struct account *before)
{
    return credentials_enter(before);
}

void credentials_note_death_signal(int signal)
{
    death_signal = signal;
}
