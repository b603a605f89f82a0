/*
 * policy_rules.h: the inside of a policy, for the two files that read it.
 *
 * Invariant: rules stand in the order in which they were given; a map's account was looked up, is
 * not root and is no reserved id.
 *
 * Used by policy.c (deciding) and policy_explain.c (--explain) only.
 */
#pragma once

#include "policy.h"
#include "who.h"

struct rule {
    struct who who;
    uid_t account; /* maps only: served as this one */
    char *text;    /* "--deny=@students", as the user wrote it; owned */
};

struct rules {
    struct rule *list; /* owned */
    size_t count;
};

enum { POLICY_MAX_RESERVED = 4 };

struct policy {
    enum protect_mode mode;
    bool seals; /* whoever is served is served by sealed processes: root may be */
    struct rules deny, map, allow;
    uid_t reserved[POLICY_MAX_RESERVED];
    unsigned reserved_count;
};

#define POLICY_DEFAULT_RULE "default: every local account except root"
