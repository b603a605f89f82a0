/*
 * admission.h: who is at the other end of a connection, and is it served? Private to scope/.
 *
 * Invariant: a connection is recorded only for a peer that is served; whoever is refused is
 * reported with the reason. Nothing here changes the thread.
 */
#pragma once

#include "account/account.h"
#include "account/protocol.h"

struct admission {
    struct identity peer;
    struct account account; /* complete if verdict is ACCOUNT_SERVED */
    enum account_verdict verdict;
    int error;
};

/*
 * Asks identity/ and account/. A process without the key serves nobody. `listener`: where it was
 * just accepted, -1 if it came by other ways.
 */
void admission_judge(int listener, int connection, struct admission *admission);

/* The same for a peer whose identity is known already. */
void admission_judge_peer(int connection, struct admission *admission);

/* Remembers whose connection `number` is. 0 or -errno. */
int admission_record(int number, const struct admission *admission);

/* One event for the log. */
void admission_report(enum event_kind event, const struct admission *admission);
