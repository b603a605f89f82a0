/*
 * signals.h: when the server's signal handlers run; private to scope/.
 *
 * A call of ours that goes on where the kernel's would have returned must let the server hear its
 * signals all the same: one that has a handler without SA_RESTART ends such a call with EINTR,
 * signal(7), and one with SA_RESTART does not.
 *
 * Masks are the kernel's, 64 bits. Nothing here touches errno.
 */
#pragma once

#include <stdint.h>

/*
 * Around what must not be left half done: no handler may jump out of it (siglongjmp). Blocks every
 * signal but the two by which libc reaches its threads, and returns the old mask.
 */
uint64_t signals_block(void);
void signals_restore(uint64_t mask);

enum signals_waiting {
    SIGNALS_NONE,      /* nothing for which a handler runs */
    SIGNALS_RESTART,   /* only those after which a call goes on */
    SIGNALS_INTERRUPT, /* one that ends it */
};

/* While they are blocked: what comes when `mask` is restored? */
enum signals_waiting signals_pending(uint64_t mask);

/* A wait under `mask` (NULL: the thread's own) has ended by a signal: may that have been one that
 * ends the call? */
enum signals_waiting signals_heard(const uint64_t *mask);
