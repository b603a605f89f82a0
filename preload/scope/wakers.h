/*
 * wakers.h: in a handler (handlers.h), by what the accepting process wakes itself is the handler's
 * own. Private to scope/.
 *
 * Signal handlers and threads tell a loop by a pipe, a pair of sockets or an eventfd(2) that there
 * is something to do. A handler has copies, and is its peer's process, who may send it signals: by
 * one of these he would end the server; and a handler that reads what the server was told keeps it
 * from hearing.
 *
 * Invariant: after it, of no pipe, pair or eventfd of which this process has every end recorded, a
 * byte goes to or comes from the accepting process. One that has its other end elsewhere, in a
 * child of the server's for example, is what it was.
 */
#pragma once

/* 0, or -errno: then some are what they were, and the handler is not to go on. */
int wakers_make_own(void);
