/*
 * ask.h: the account that a peer of this server is served as.
 *
 * Invariant: an answer is the resolver's own, complete, and no older than the lifetime the settings
 * gave; see account.h. The cache is a fixed array: it remembers users and hosts by their identity,
 * grants as well as refusals, and forgets when full. Failures are not remembered.
 *
 * Inside a server only. No allocation, no lock, errno untouched, any thread, safe after fork.
 */
#pragma once

#include "account/account.h"

/* Once, from the settings: for how long an answer may be believed. */
void account_set_lifetime(uint32_t milliseconds);

/*
 * Fills *account for `peer`, whose connection is `socket` (an AF_UNIX peer that is served as itself
 * has the groups the kernel attests). Anything but ACCOUNT_SERVED is a refusal; *error is then the
 * errno value that explains it, or 0.
 */
enum account_verdict account_ask(
    const struct identity *peer, int socket, struct account *account, int *error);

/* In the child of a fork: entries that another thread was just writing are thrown away. */
void account_after_fork(void);
