/* admission.c: see admission.h. */
#include "scope/admission.h"

#include "account/ask.h"
#include "account/channel.h"
#include "credentials/credentials.h"
#include "scope/thread.h"

#include <errno.h>

void admission_judge_peer(int connection, struct admission *admission)
{
    admission->error = 0;
    if (process.settings.mode == PROTECT_SCOPES && !credentials_base()->has_key)
        admission->verdict = ACCOUNT_NO_PRIVILEGE;
    else
        admission->verdict =
            account_ask(&admission->peer, connection, &admission->account, &admission->error);
}

void admission_judge(int listener, int connection, struct admission *admission)
{
    identity_of_connection(connection, &admission->peer);
    if (listener >= 0)
        identity_by_stamp(listener, connection, process.settings.stamped_netns, &admission->peer);
    admission_judge_peer(connection, admission);
}

int admission_record(int number, const struct admission *admission)
{
    struct descriptor entry = {.kind = DESCRIPTOR_CONNECTION,
        .cookie = admission->peer.cookie,
        .uid = admission->peer.uid,
        .account_uid = admission->account.uid,
        .source = (uint8_t)admission->peer.source};

    return entry.cookie ? descriptor_record(number, &entry) : -ENOENT;
}

void admission_report(enum event_kind event, const struct admission *admission)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = event,
        .verdict = admission->verdict,
        .error = admission->error,
        .account_uid = admission->verdict == ACCOUNT_SERVED ? admission->account.uid : (uid_t)-1,
        .peer = admission->peer};

    channel_report(&request);
}
