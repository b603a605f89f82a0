/*
 * exec_environment.h: what `wsapeer exec` tells the command about the peer.
 *
 * Invariant: every variable that says who is at the other end is either set here, from what the
 * kernel and the name service say, or not set at all: what the caller, or a client of the caller,
 * put there is removed. No byte of a value was chosen by the peer.
 *
 * Called by exec.c while single-threaded; changes environ and errno.
 */
#pragma once

#include "account/account.h"

/* Who the peer is, and as which account it is served. Asks the name service. */
struct exec_facts {
    const struct identity *peer;
    uid_t account;
    bool login; /* USER, LOGNAME, HOME and SHELL are set too, as a login would */
};

/* 0 or -errno. */
int exec_environment_set(const struct exec_facts *facts);
