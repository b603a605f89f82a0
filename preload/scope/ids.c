/* ids.c: see ids.h. */
#include "scope/ids.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "scope/thread.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* In an instance, sealed or not: is it? */
static bool is_sealed_instance(void)
{
    return process.instance && credentials_is_sealed_from_outside();
}

static bool is_own_affair(void)
{
    return !process.sealed && (!process.scopes || process.serving != SERVING);
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
            process.own_uid = ids[count - 1];
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
    if (is_sealed_instance())
        return set_in_sealed_instance(call, count, ids);
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
        process.own_uid = effective;
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
