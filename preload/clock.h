/*
 * clock.h: times and waits in milliseconds, by a clock that nobody sets (CLOCK_MONOTONIC).
 *
 * Touches neither errno nor anything of ours; for the library and the command.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* The sooner of two times, or of two waits; one that is negative never comes, as with poll(2). */
static inline int64_t clock_sooner(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}
