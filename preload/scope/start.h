/*
 * start.h: how the library wakes up in a process.
 *
 * Invariant: without WSAPEER_CHANNEL it does nothing at all, ever. With it, the program either runs
 * wrapped or does not run: a channel that cannot be greeted ends the process before main, with one
 * line on stderr and status 125.
 */
#pragma once

/* In the library's constructor, single-threaded, once. `library` is any address inside it. */
void scope_start(const void *library);
