/* alice_and_bob.h: two actors who are there for as long as a test runs. For one test program each.
 */
#pragma once

#include "actor.h"

static struct actor alice, bob;

/* For cmocka's tables. */
static inline int start_both(void **state)
{
    (void)state;
    alice = actor_start(ALICE, NULL);
    bob = actor_start(BOB, NULL);
    return 0;
}

static inline int end_both(void **state)
{
    (void)state;
    actor_end(&alice);
    actor_end(&bob);
    return 0;
}
