/*
 * account.h: from an identity to the account that the peer is served as.
 *
 * Invariant: an account is complete (user id, group id, every supplementary group) or there is
 * none. An error of the directory, of the resolver or of the channel is a refusal, never an account
 * without groups, and never base.
 */
#pragma once

#include "identity/identity.h"

enum { ACCOUNT_MAX_GROUPS = IDENTITY_MAX_GROUPS };

struct account {
    uid_t uid;
    gid_t gid;
    unsigned group_count;
    gid_t groups[ACCOUNT_MAX_GROUPS];
};

/* What became of a peer: the first refuses nobody, every other is a refusal and says why. */
enum account_verdict {
    ACCOUNT_SERVED,
    ACCOUNT_NO_IDENTITY,      /* identity/ could not tell who it is */
    ACCOUNT_DENIED,           /* a --deny rule */
    ACCOUNT_NOT_ALLOWED,      /* no --allow rule */
    ACCOUNT_ROOT,             /* root, and neither mapped nor gated */
    ACCOUNT_HOST_UNMAPPED,    /* another host, and no --map for it */
    ACCOUNT_UNKNOWN,          /* the name service knows no such account */
    ACCOUNT_DIRECTORY_ERROR,  /* the name service failed */
    ACCOUNT_RESERVED_ID,      /* -1, overflowuid, or an id that wsapeer itself uses */
    ACCOUNT_TOO_MANY_GROUPS,  /* more than ACCOUNT_MAX_GROUPS */
    ACCOUNT_NO_RESOLVER,      /* the resolver has gone, or did not answer in time */
    ACCOUNT_NO_PRIVILEGE,     /* this process cannot become anybody (it lost the key) */
    ACCOUNT_SWITCH_FAILED,    /* the kernel would not change the thread's credentials */
    ACCOUNT_SEVERAL_THREADS,  /* this process cannot be forked for each connection */
    ACCOUNT_INHERITS_ORPHANS, /* nor this one: what it forks twice would be its child again */
    ACCOUNT_HAS_ITS_SHARE,    /* of the processes that may be at once */
    ACCOUNT_ANOTHERS,         /* what it came by, or the process, is another account's */
    ACCOUNT_OF_INSTANCES,     /* a datagram, which cannot be brought to its account's instance */
    ACCOUNT_NO_INSTANCE,      /* its instance of the server cannot start, or does not take it */
};

/* One line of English for logs, a static string: "no --allow names this peer". */
const char *account_verdict_text(enum account_verdict verdict);
