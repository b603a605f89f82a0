/* place.h: private to credentials/: where the process stands. */
#pragma once

#include "account/account.h"

/* Written once, by credentials_begin_serving(), before any other thread looks at it. */
struct place {
    struct account ground;
    bool chosen;        /* by the server itself, when it gave up root */
    uid_t outer;        /* real and saved uid of a thread in a scope */
    uint64_t permitted; /* the pair and `root`, or with --ground=base what the base had */
    uint64_t root;      /* CAP_SYS_CHROOT with --chroot-ok, for whom is sealed; else 0 */
};

extern struct place place;

/* What the calling thread has, from memory where that is whole, else from the kernel. 0 or -errno.
 */
int place_read_current(struct account *account);

/* credentials_seal() of a task that keeps `kept` permitted, with NO_NEW_PRIVS if that is not 0. */
int seal_keeping(uid_t uid, uint64_t kept);
