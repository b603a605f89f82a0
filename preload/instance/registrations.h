/*
 * registrations.h: in which epoll sets of this process a descriptor waits; private to instance/.
 *
 * A registration is the kernel's, for one open file by one number; it is read in /proc and moved
 * with what the number stands for. Sets are known from scope's table.
 */
#pragma once

#include <stdbool.h>
#include <sys/epoll.h>

enum { REGISTRATIONS = 32 };

struct registration {
    int set;
    struct epoll_event event;
};

/* Takes `number` out of every set; what was there goes to `list`. Returns how many. */
unsigned registrations_take(int number, struct registration list[REGISTRATIONS]);

/* Puts `number`, which is another file now, where the old one was. */
void registrations_put(int number, const struct registration list[], unsigned count);

/*
 * `number` has become a listener only now: scope is told of the sets that have it already. Returns
 * whether there are any.
 */
bool registrations_tell(int number);

/* Is it in any set? */
bool registrations_has(int number);
