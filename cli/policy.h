/*
 * policy.h: which peer is served as whom.
 *
 * Invariant: a decision names the rule that made it, and every peer that no rule speaks for is
 * refused. Deny goes before map, map before allow; a map admits by itself. Root is served only
 * where the design says so; ids that nobody may have (-1, overflowuid, the guards) never.
 *
 * Used by run (parsing, --explain) and by the resolver (deciding). May allocate and use NSS: it
 * never runs inside the server.
 */
#pragma once

#include "account/protocol.h"

#include <stdio.h>

struct policy;

/* Returns a new policy with the default rule (every local account except root), or NULL (ENOMEM).
 */
struct policy *policy_new(enum protect_mode mode);
void policy_free(struct policy *policy);

/*
 * Add the rule of one --allow, --deny or --map option. The text is copied. Names of accounts and
 * groups are looked up now. Returns 0, or -EINVAL with one line for the user in `message` (what, on
 * what, why, what to do), which holds `size` bytes.
 */
int policy_allow(struct policy *policy, const char *who, char *message, size_t size);
int policy_deny(struct policy *policy, const char *who, char *message, size_t size);
int policy_map(struct policy *policy, const char *who_and_account, char *message, size_t size);

/*
 * Each account is served by processes of its own, sealed: a rule --allow=root is then enough for
 * root, who in a scope would mean base.
 */
void policy_serve_sealed(struct policy *policy);

/* Ids that wsapeer itself uses: never an identity and never an account (repeatable, 4 at most). */
void policy_reserve(struct policy *policy, uid_t uid);

struct policy_decision {
    enum account_verdict verdict;
    int error;              /* errno with ACCOUNT_DIRECTORY_ERROR, else 0 */
    bool as_itself;         /* served under its own id, not mapped */
    struct account account; /* complete if verdict is ACCOUNT_SERVED; in a gate only uid is */
    char rule[160];         /* "--deny=@students", "default: every local account except root" */
};

void policy_decide(
    const struct policy *policy, const struct identity *peer, struct policy_decision *decision);

/*
 * --explain=WHO: prints to `out` what would become of every peer that WHO names (one account, one
 * host; for a range, group or network: what its rule says), and why. 0, or -EINVAL with a message.
 */
int policy_explain(
    const struct policy *policy, const char *who, FILE *out, char *message, size_t size);
