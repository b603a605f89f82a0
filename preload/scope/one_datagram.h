/*
 * one_datagram.h: a datagram out of its socket, to the server or not. Private to scope/.
 *
 * Invariant: what is handed to the server is what its own recvmsg(2) would have given, and whoever
 * sent it is served: in this thread, which is in its scope then, or in a handler of its own.
 * Nothing of what is not handed over stays, in memory or as a descriptor.
 *
 * Each makes one recvmsg(2) and waits as `flags` and the socket say.
 */
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

/* The server does not get it here: it was refused, or is its handler's. */
enum { DROPPED = -2, HANDED_ON = -3 };

/*
 * `*message` is filled from `*asked`, which has the server's buffers. The size, -1 with errno, or
 * DROPPED or HANDED_ON.
 */
ssize_t one_datagram_receive(
    int number, const struct msghdr *asked, struct msghdr *message, int flags);

/*
 * Ahead of one with room for descriptors: a look at who sent them, without. Who it is is asked
 * again of the message itself, since another process may have taken this one. 0, -1 or DROPPED.
 */
ssize_t one_datagram_look(int number, int flags);

/* For a socket that is the server's own client of `peer`: what others sent before is dropped. */
ssize_t one_datagram_answer(
    int number, struct msghdr *message, int flags, const struct sockaddr_storage *peer);
