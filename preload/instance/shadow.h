/*
 * shadow.h: who answers for a stand-in's options; private to instance/.
 *
 * A stand-in is a socket pair's end and knows nothing of TCP. Beside each stands a shadow: a socket
 * of the listener's own kind, neither bound nor connected, which carries the options that the
 * server has set. It has a high number, is close-on-exec, and to the server it is not there
 * (scope_owns()).
 */
#pragma once

#include "instance/stand_ins.h"

/* The server's own socket is the shadow; `number` stays open. 0 or -errno. */
int shadow_keep(struct listing *listing, int number);

/* A new shadow of this family, type and protocol; with `number` >= 0, with the options of that. */
int shadow_make(struct listing *listing, const struct request_socket *kind, int number);

/* The shadow's descriptor, -1 if it is gone. */
int shadow_of(struct listing *listing);

/* Closes it. */
void shadow_end(struct listing *listing);
