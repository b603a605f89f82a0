/*
 * senders.h: is the sender of a datagram served, and as whom? Private to scope/.
 *
 * Invariant: a process that is one account's for good receives that account's datagrams alone:
 * those of who it was sealed for, a user or a host; likewise connections, at listeners of its own.
 * Anywhere else policy is asked, as for a connection.
 */
#pragma once

#include "scope/admission.h"
#include "scope/thread.h"

/* What a process that is sealed for this peer knows its datagrams by. */
struct sender sender_of(const struct identity *peer);

/* In a process that is one account's for good: is it who that was sealed for, or the account's own?
 */
bool sender_is_own(const struct identity *peer);

/* admission->peer is known. False: it is to be dropped; admission->verdict says why. */
bool sender_judge(int number, struct admission *admission);

/* The thread acts for the sender from now on; if the kernel refuses, the verdict says so. */
void sender_begin(int number, struct admission *admission);

/* Where the datagram came from for whose sender the thread acts now, if it does. */
void sender_wrote_from(const struct sockaddr_storage *address, socklen_t length);

/* In the server's own process, after sender_judge(): reports, and begins the scope where there is
 * one. False as there. */
bool sender_serve(int number, struct admission *admission);
