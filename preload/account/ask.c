/* ask.c: see ask.h. */
#include "account/ask.h"

#include "account/attested.h"
#include "account/cache.h"
#include "account/channel.h"

#include <errno.h>
#include <stddef.h>

/* The answer's head into `answer`, its account straight to the caller: 4 KiB less of stack. */
static int receive_answer(
    const struct identity *peer, struct cached_answer *answer, struct account *account)
{
    struct request request = {.magic = PROTOCOL_MAGIC, .kind = REQUEST_RESOLVE, .peer = *peer};
    union {
        struct {
            uint32_t magic, verdict;
            bool as_itself;
        } fields;
        char bytes[offsetof(struct answer, account)];
    } head;
    struct iovec parts[2] = {{&head, sizeof head.bytes}, {account, sizeof *account}};
    ssize_t size = channel_ask(&request, parts, 2);
    size_t least = sizeof head.bytes + offsetof(struct account, groups);

    if (size < 0)
        return (int)size;
    if ((size_t)size < least || head.fields.magic != PROTOCOL_MAGIC)
        return -EPROTO;
    if (account->group_count > ACCOUNT_MAX_GROUPS ||
        (size_t)size != least + account->group_count * sizeof(gid_t))
        return -EPROTO;
    *answer =
        (struct cached_answer){.verdict = head.fields.verdict, .as_itself = head.fields.as_itself};
    return 0;
}

static bool worth_remembering(enum account_verdict verdict)
{
    return verdict != ACCOUNT_DIRECTORY_ERROR && verdict != ACCOUNT_NO_RESOLVER;
}

enum account_verdict account_ask(
    const struct identity *peer, int socket, struct account *account, int *error)
{
    struct cached_answer answer;

    *error = 0;
    if (peer->kind == IDENTITY_NONE) {
        *error = peer->error;
        return ACCOUNT_NO_IDENTITY;
    }
    if (!cache_find(peer, &answer, account)) {
        int result = receive_answer(peer, &answer, account);

        if (result < 0) {
            *error = -result;
            return ACCOUNT_NO_RESOLVER;
        }
        if (worth_remembering(answer.verdict))
            cache_remember(peer, &answer, account);
    }
    if (answer.verdict == ACCOUNT_SERVED && answer.as_itself &&
        peer->source == IDENTITY_SOURCE_PEERCRED)
        return account_take_attested(peer, socket, account, error);
    return answer.verdict;
}

void account_set_lifetime(uint32_t milliseconds)
{
    cache_set_lifetime(milliseconds);
}

void account_after_fork(void)
{
    cache_after_fork();
}
