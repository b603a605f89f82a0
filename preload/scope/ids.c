/* ids.c: see ids.h. */
#include "scope/ids.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "scope/thread.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * The service account: what a process of this server has given up root for. Shared with all that
 * are forked, since it is a worker that gives up root, and its parent that makes files for the
 * next.
 */
struct service {
    uint64_t ids; /* user, and group << 32 */
};

static struct service alone = {(uint64_t)-1};
static struct service *service = &alone;

void ids_prepare_instance(void)
{
    long place = kernel_call(
        SYS_mmap, 0, sizeof *service, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (place < 0 && place > -4096)
        return; /* no child will tell */
    service = (struct service *)place;
    service->ids = (uint64_t)-1;
}

static void gave_up_root(uid_t uid, gid_t gid)
{
    process.own_uid = uid;
    process.own_gid = gid;
    __atomic_store_n(&service->ids, uid | (uint64_t)gid << 32, __ATOMIC_RELAXED);
}

static bool believes_to_be_base(void)
{
    return process.own_uid == credentials_base()->uid;
}

bool ids_has_user(uid_t uid)
{
    uint64_t ids = __atomic_load_n(&service->ids, __ATOMIC_RELAXED);

    return uid == process.own_uid || (believes_to_be_base() && uid == (uid_t)ids);
}

bool ids_has_group(gid_t gid)
{
    uint64_t ids = __atomic_load_n(&service->ids, __ATOMIC_RELAXED);

    return gid == process.own_gid ||
           (believes_to_be_base() && (gid == credentials_base()->gid || gid == (gid_t)(ids >> 32)));
}

/* In an instance, sealed or not: is it? */
static bool is_sealed_instance(void)
{
    return process.instance && credentials_is_sealed_from_outside();
}

static bool is_own_affair(void)
{
    return !process.sealed && (!process.scopes || process.serving != SERVING);
}

bool ids_are_pretended(void)
{
    return is_sealed_instance() || process.sealed || thread_in_scope();
}

static enum ids_answer deny(const char *call)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_SERVER_IDS,
        .account_uid = thread_state.account};

    snprintf(request.detail, sizeof request.detail, "%s", call);
    channel_report(&request);
    return IDS_DENY;
}

/* What the server may name: what it believes to be, the ground, the peer. */
static bool names_itself(uid_t id)
{
    return id == (uid_t)-1 || id == process.own_uid || id == credentials_ground_uid() ||
           (thread_in_scope() && id == thread_state.account) ||
           (process.sealed && id == process.sealed_as);
}

/* Root has no way back to itself: not from its saved id either. */
static bool gives_up_root(const char *call, unsigned count, const uid_t ids[])
{
    uid_t last = ids[count - 1];

    return last != 0 && last != (uid_t)-1 && (count > 1 || strcmp(call, "setuid") == 0);
}

static enum ids_answer set_in_sealed_instance(const char *call, unsigned count, const id_t ids[])
{
    for (unsigned i = 0; i < count; i++)
        if (ids[i] == 0 && process.own_uid != 0)
            return deny(call);
    return IDS_PRETEND;
}

enum ids_answer ids_may_set_users(const char *call, unsigned count, const uid_t ids[])
{
    enum ids_answer answer;

    if (is_sealed_instance()) {
        answer = set_in_sealed_instance(call, count, ids);
        if (answer == IDS_PRETEND && gives_up_root(call, count, ids))
            gave_up_root(ids[count - 1], process.own_gid);
        return answer;
    }
    if (!process.wrapped || is_own_affair())
        return IDS_REAL;
    for (unsigned i = 0; i < count; i++)
        if (!names_itself(ids[i]))
            return deny(call);
    return IDS_PRETEND;
}

enum ids_answer ids_may_set_groups(const char *call, unsigned count, const gid_t ids[])
{
    enum ids_answer answer;

    if (is_sealed_instance()) {
        answer = set_in_sealed_instance(call, count, ids);
        if (answer == IDS_PRETEND && ids[count - 1] != (gid_t)-1 && strcmp(call, "setfsgid") != 0)
            process.own_gid = ids[count - 1];
        return answer;
    }
    if (!process.wrapped || is_own_affair())
        return IDS_REAL;
    for (unsigned i = 0; i < count; i++)
        if (ids[i] != (gid_t)-1 && ids[i] != process.own_gid && ids[i] != (gid_t)getegid())
            return deny(call);
    return IDS_PRETEND;
}

/*
 * Which groups the server lists is of no account: the peer's are in place, and stay. One that gave
 * up root by itself could not list any, and is told so by the kernel.
 */
enum ids_answer ids_may_set_list(void)
{
    if (is_sealed_instance())
        return IDS_PRETEND;
    if (!process.wrapped || is_own_affair() || credentials_ground_is_chosen())
        return IDS_REAL;
    return IDS_PRETEND;
}

/* What an instance believes to be must be known when it is sealed later. */
static void note_own_ids(void)
{
    uid_t real, effective, saved;

    if (getresuid(&real, &effective, &saved) == 0 && real != 0 && effective != 0 && saved != 0)
        gave_up_root(effective, getegid());
}

void ids_changed(void)
{
    if (!process.scopes && !process.instance)
        return;
    if (process.instance)
        note_own_ids();
    credentials_after_own_change();
    __atomic_add_fetch(&process.epoch, 1, __ATOMIC_RELEASE); /* the other threads' turn */
}

enum ids_answer ids_may_set_capabilities(struct __user_cap_data_struct data[2])
{
    if (is_sealed_instance())
        return IDS_PRETEND;
    if (!process.scopes || process.serving != SERVING) {
        if (process.scopes || process.instance)
            credentials_add_key(data);
        return IDS_REAL;
    }
    return data[0].effective || data[1].effective ? deny("capset") : IDS_PRETEND;
}

bool ids_control(int option, unsigned long *argument, int *result)
{
    if (option == PR_SET_SECUREBITS && ids_are_pretended()) {
        *result = 0; /* they are about capabilities, of which it has none */
        return true;
    }
    if ((!process.scopes && !process.instance) || !credentials_base()->has_key)
        return false;
    switch (option) {
    case PR_SET_KEEPCAPS:
        *result = credentials_server_keep_caps(*argument != 0);
        return true;
    case PR_GET_KEEPCAPS:
        *result = credentials_server_keeps_caps();
        return true;
    case PR_SET_SECUREBITS:
        *argument = credentials_add_key_bits(*argument);
        return false;
    case PR_SET_PDEATHSIG:
        credentials_note_death_signal((int)*argument);
        return false;
    default:
        return false;
    }
}
