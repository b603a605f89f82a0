/*
 * sources.h: what the sources of an identity share with connection.c, and with nobody else.
 *
 * Invariant: a source either proves a user or host and says so through identity_believe_*(), or
 * leaves IDENTITY_NONE with a reason through identity_refuse(). *identity comes in as IDENTITY_NONE
 * with its endpoints filled.
 */
#pragma once

#include "identity/identity.h"

/* Makes *identity nobody, for `reason`; `error` is an errno value for IDENTITY_REASON_KERNEL. */
void identity_refuse(struct identity *identity, enum identity_reason reason, int error);

/* Unless `uid` is an id that stands for "has none here", makes *identity that user. */
void identity_believe_user(struct identity *identity, enum identity_source source, uid_t uid);

/* overflowuid or overflowgid as they were read by identity_prepare(), and -1. */
bool identity_uid_is_unmapped(uid_t uid);
bool identity_gid_is_unmapped(gid_t gid);

/* AF_UNIX: who connected, as of connect(2). */
void peercred_identify(int socket, struct identity *identity);

/*
 * TCP: who owns the socket at the other end. `scope` is the interface of link-local endpoints, else
 * 0. `netns` is the SO_NETNS_COOKIE of the connection.
 */
void sock_diag_identify(uint32_t scope, uint64_t netns, struct identity *identity);

/*
 * TCP, when no socket here is the peer's: is the peer's address another host's? If it is one of
 * this host's, *identity stays as it is.
 */
void host_identify(uint32_t scope, uint64_t netns, struct identity *identity);
