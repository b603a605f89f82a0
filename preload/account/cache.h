/*
 * cache.h: answers of the resolver, remembered for a while; for ask.c, and for the supervisor,
 * which is its own resolver.
 *
 * Invariant: what is found is one whole answer, for that very identity, not older than the
 * lifetime. Each place is a sequence lock: a writer who finds it taken goes away, a reader who sees
 * it change asks the resolver.
 */
#pragma once

#include "account/account.h"

struct cached_answer {
    enum account_verdict verdict;
    bool as_itself;
};

void cache_set_lifetime(uint32_t milliseconds);
bool cache_find(const struct identity *peer, struct cached_answer *answer, struct account *account);

/* Accounts with more than 32 groups are not remembered: they are asked for each time. */
void cache_remember(
    const struct identity *peer, const struct cached_answer *answer, const struct account *account);

/* In the child of a fork: places that a thread of the parent was writing are empty. */
void cache_after_fork(void);
