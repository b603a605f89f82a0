/* senders.c: see senders.h. */
#include "scope/senders.h"

#include "credentials/credentials.h"
#include "kernel.h"
#include "scope/handlers.h"
#include "scope/thread.h"

#include <string.h>

struct sender sender_of(const struct identity *peer)
{
    struct sender sender = {.uid = (uid_t)-1};

    if (peer->kind == IDENTITY_USER)
        sender.uid = peer->uid;
    else if (peer->kind == IDENTITY_HOST)
        sender.address = peer->peer.address;
    return sender;
}

static bool is_same_sender(const struct sender *sender, const struct identity *peer)
{
    static const struct in6_addr none;
    struct sender other = sender_of(peer);

    if (peer->kind == IDENTITY_NONE || sender->uid != other.uid)
        return false;
    return sender->uid != (uid_t)-1 ||
           (memcmp(&sender->address, &none, sizeof none) != 0 &&
               memcmp(&sender->address, &other.address, sizeof none) == 0);
}

bool sender_is_own(const struct identity *peer)
{
    uid_t own = (uid_t)kernel_call(SYS_geteuid, 0, 0, 0, 0, 0, 0);

    if (peer->kind == IDENTITY_USER && peer->uid != 0 && peer->uid == own)
        return true;
    return !process.instance && is_same_sender(&process.sealed_for, peer);
}

static enum account_verdict why_not_own(const struct identity *peer)
{
    if (process.instance)
        return ACCOUNT_OF_INSTANCES;
    return peer->kind == IDENTITY_NONE ? ACCOUNT_NO_IDENTITY : ACCOUNT_ANOTHERS;
}

bool sender_judge(int number, struct admission *admission)
{
    if (process.sealed || process.instance) {
        admission->verdict = why_not_own(&admission->peer);
        return sender_is_own(&admission->peer);
    }
    admission_judge_peer(number, admission);
    if (process.settings.mode == PROTECT_SCOPES && !process.scopes)
        admission->verdict = ACCOUNT_NO_PRIVILEGE; /* nothing that could serve it */
    if (admission->verdict == ACCOUNT_SERVED && handlers_are_wanted())
        admission->verdict = handlers_verdict(&admission->account);
    return admission->verdict == ACCOUNT_SERVED || process.settings.mode == PROTECT_OBSERVE;
}

void sender_begin(int number, struct admission *admission)
{
    int result = thread_begin_scope(number, admission->peer.cookie, &admission->account, false);

    thread_state.sender = sender_of(&admission->peer);
    if (result == 0)
        return;
    admission->verdict = ACCOUNT_SWITCH_FAILED;
    admission->error = -result;
}

void sender_wrote_from(const struct sockaddr_storage *address, socklen_t length)
{
    struct sender *sender = process.sealed ? &process.sealed_for : &thread_state.sender;

    if ((!process.sealed && !thread_in_scope()) || length > sizeof *address)
        return;
    sender->from = *address;
    sender->from_length = length;
}

bool sender_serve(int number, struct admission *admission)
{
    if (process.sealed || process.instance)
        return true;
    if (process.settings.mode == PROTECT_OBSERVE) {
        admission_report(EVENT_OBSERVED, admission);
        return true;
    }
    if (process.scopes && thread_state.is_loop && !process.settings.inline_loops)
        process_report_loop();
    else if (process.scopes)
        sender_begin(number, admission);
    if (admission->verdict != ACCOUNT_SERVED)
        return false;
    if (process.settings.report_served)
        admission_report(EVENT_SERVED, admission);
    return true;
}
