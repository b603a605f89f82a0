/*
 * policy_options.h: --allow, --deny and --map, for each subcommand that takes them.
 *
 * Invariant: the rules of the policy stand in the order in which the options were given. Names are
 * looked up when the policy is made, not when the options are read.
 *
 * The strings are those of argv. Allocates; changes errno.
 */
#pragma once

#include "policy.h"

enum policy_option_kind { POLICY_ALLOW, POLICY_DENY, POLICY_MAP };

struct policy_option {
    enum policy_option_kind kind;
    const char *text;
};

struct policy_options {
    struct policy_option *list; /* owned */
    size_t count;
};

/* 0 or -ENOMEM. Give all of them back with policy_options_free(). */
int policy_options_add(
    struct policy_options *options, enum policy_option_kind kind, const char *text);
void policy_options_free(struct policy_options *options);

/*
 * Returns a new policy of these rules, to be freed with policy_free(); or NULL with one line for
 * the user in `message`, which holds `size` bytes. `sealed`: see policy_serve_sealed().
 */
struct policy *policy_options_make(const struct policy_options *options, enum protect_mode mode,
    bool sealed, char *message, size_t size);
