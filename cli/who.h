/*
 * who.h: how the options name peers.
 *
 * Invariant: root is spoken for only by its name, its number or `me`; no word, range or group that
 * happens to include uid 0 lets root in. A text that is not understood to the last character names
 * nobody.
 *
 *   alice  user:NAME  1000  1000-1999  @staff  @2001  192.0.2.7  192.0.2.0/24  2001:db8::/32  me
 * any
 *
 * Users are peers on this host, hosts are peers that are not; an address or network names hosts
 * only. Used by policy, which runs in the command and the resolver. Uses NSS (nss.h): allocates,
 * may block, changes errno.
 */
#pragma once

#include "account/account.h"

#include <stddef.h>

enum who_kind {
    WHO_ANY,     /* every user and every host */
    WHO_USERS,   /* uids first to last; one uid if named_singly */
    WHO_GROUP,   /* the members of gid, by NSS */
    WHO_NETWORK, /* hosts whose address begins with the prefix_length first bits of network */
};

struct who {
    enum who_kind kind;
    bool named_singly; /* one user, by name or number: this may be root */
    uid_t first, last;
    gid_t gid;
    sa_family_t family;
    struct in6_addr network; /* IPv4 stands IPv4-mapped, as in struct identity_endpoint */
    unsigned prefix_length;  /* of the 128 bits */
};

/*
 * Reads `text`; names of accounts and groups are looked up now. Returns 0, or -EINVAL with one line
 * in `message` (what is wrong, and what to write instead), which holds `size` bytes.
 */
int who_parse(const char *text, struct who *who, char *message, size_t size);

/*
 * The groups of one peer, looked up when a rule first asks for them. Start with .asked false.
 * Where verdict is not ACCOUNT_SERVED no group rule can be judged.
 */
struct who_membership {
    bool asked;
    enum account_verdict verdict;
    int error;
    struct account account;
};

enum who_answer {
    WHO_NO,
    WHO_YES,
    WHO_UNCERTAIN, /* a group rule, and membership->verdict says why it cannot be judged */
};

/*
 * Does `who` name this peer, which must be IDENTITY_USER or IDENTITY_HOST? Root counts as a member
 * of ranges, groups and `any` here; who_may_name_root() is asked besides where root is let in.
 */
enum who_answer who_matches(
    const struct who *who, const struct identity *peer, struct who_membership *membership);

/* Is this a rule by which root may be let in or mapped? */
bool who_may_name_root(const struct who *who);

/* Is the address (IPv4 as IPv4-mapped) of this family and in this WHO_NETWORK? */
bool who_network_holds(
    const struct who *network, sa_family_t family, const struct in6_addr *address);
