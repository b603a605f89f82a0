/*
 * libc.c: fills the table of libc.h by dlsym(3), RTLD_NEXT.
 *
 * Two threads that fill it at once write the same values, so no lock is needed; `filled` is
 * published last.
 */
#include "libc.h"

#include <dlfcn.h>
#include <stdbool.h>

static struct libc_calls table;
static bool filled;

static void fill(void)
{
#define LIBC_FIND(name) *(void **)&table.name = dlsym(RTLD_NEXT, #name);
    LIBC_CALLS(LIBC_FIND)
#undef LIBC_FIND
    __atomic_store_n(&filled, true, __ATOMIC_RELEASE);
}

const struct libc_calls *libc_calls(void)
{
    if (__builtin_expect(!__atomic_load_n(&filled, __ATOMIC_ACQUIRE), false))
        fill();
    return &table;
}
