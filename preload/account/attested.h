/*
 * attested.h: the groups of the very process that connected.
 *
 * Invariant: a local peer that is served as itself has what the kernel attested at connect(2), not
 * what the directory says of its account today. Used by ask.c and by the supervisor. No allocation,
 * errno untouched.
 */
#pragma once

#include "account/account.h"

/*
 * Replaces the group id and the supplementary groups in *account by those of `peer` (of source
 * peercred), whose connection is `socket`. ACCOUNT_SERVED, or a refusal with *error, an errno
 * value.
 */
enum account_verdict account_take_attested(
    const struct identity *peer, int socket, struct account *account, int *error);
