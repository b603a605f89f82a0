/*
 * only.h: which sockets bring the peers that wsapeer keeps apart, and which pass untouched
 * (--only).
 *
 * A listener or bound datagram socket is named if a client of a named address and port could come
 * by it: an address names itself, and every socket bound to a wildcard that takes its clients; a
 * wildcard (0.0.0.0, [::], or * for both families) names every address of its family. A path names
 * the socket that is bound to it, by whatever way its name was written, and each whose own name is
 * not to be found or became another file's, since it may have been changed to that path. What a
 * peer's scope opens is that peer's affair, and no client of the server's comes by it.
 *
 * What must always hold
 * - What is not named passes untouched: nobody is asked for, nobody refused, and the process does
 *   not begin to serve by it.
 * - It is served with the thread's own rights: base before the process serves, ground from then on,
 *   and never in a peer's scope. Its accept(2) ends the scope; bytes from it end the scope; a
 *   thread that may go on with it (accepted, and not read yet) begins no scope by an accept; and
 *   whoever waits for it among peers is an event loop, as one that waits for several peers.
 * - A process that is one account's for good never reads from it, nor accepts there.
 *
 * A socket is looked at when it begins to listen, when it is bound (datagrams), or when it is
 * found; what was seen holds for as long as the number is that socket (its cookie), but a path is
 * looked at whenever it is waited for or read. Where --only is
 * not given each function is one comparison. Private to scope/, but for scope_passes() in scope.h.
 */
#pragma once

#include "scope/scope.h"

/*
 * Of a connection: may the listener that it came by be named? By its port, any address. True for
 * all where there is no --only, and in a process that is one account's, whose sockets are its own
 * affair.
 */
bool only_names(int number);

/* A listener or bound datagram socket: true if it passes untouched, and is recorded so. */
bool only_took(int number);

/* accept4(2) on a listener that passes untouched. */
int only_accept(int listener, struct sockaddr *address, socklen_t *length, int flags);

/* A connection that passes untouched has come. 0 or -errno. */
int only_record(int connection);

static inline bool only_is_untouched(const struct descriptor *entry)
{
    return entry->kind == DESCRIPTOR_UNTOUCHED ||
           (entry->kind == DESCRIPTOR_CONNECTION && entry->flags & CONNECTION_UNTOUCHED);
}

/* Ahead of a read from what only_is_untouched(): as scope_before_receive(). */
bool only_may_read(struct reading *reading);
