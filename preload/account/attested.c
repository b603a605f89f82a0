/* attested.c: see attested.h. */
#include "account/attested.h"

#include <errno.h>

enum account_verdict account_take_attested(
    const struct identity *peer, int socket, struct account *account, int *error)
{
    int count = identity_groups(socket, account->groups, ACCOUNT_MAX_GROUPS);

    if (count < 0) {
        *error = -count;
        return count == -ERANGE ? ACCOUNT_TOO_MANY_GROUPS : ACCOUNT_NO_IDENTITY;
    }
    account->gid = peer->gid;
    account->group_count = (unsigned)count;
    return ACCOUNT_SERVED;
}
