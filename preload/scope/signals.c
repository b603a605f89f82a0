/* signals.c: see signals.h. */
#include "scope/signals.h"

#include "kernel.h"

#include <signal.h>

enum { SIGNALS = 64 };

/* As the kernel has it, sigaction(2). */
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

uint64_t signals_block(void)
{
    uint64_t mask = ~(UINT64_C(1) << 31 | UINT64_C(1) << 32), old = 0;

    kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&old, sizeof old, 0, 0);
    return old;
}

void signals_restore(uint64_t mask)
{
    kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0, 0);
}

static enum signals_waiting effect_of(int signal)
{
    struct kernel_action action = {NULL};

    if (kernel_call(SYS_rt_sigaction, signal, 0, (long)&action, sizeof action.mask, 0, 0) < 0 ||
        action.handler == SIG_DFL || action.handler == SIG_IGN)
        return SIGNALS_NONE;
    return action.flags & SA_RESTART ? SIGNALS_RESTART : SIGNALS_INTERRUPT;
}

static enum signals_waiting effect_of_set(uint64_t set)
{
    enum signals_waiting most = SIGNALS_NONE;

    for (int signal = 1; signal <= SIGNALS; signal++) {
        enum signals_waiting effect = set >> (signal - 1) & 1 ? effect_of(signal) : SIGNALS_NONE;

        if (effect > most)
            most = effect;
    }
    return most;
}

enum signals_waiting signals_pending(uint64_t mask)
{
    uint64_t pending = 0;

    kernel_call(SYS_rt_sigpending, (long)&pending, sizeof pending, 0, 0, 0, 0);
    return pending & ~mask ? effect_of_set(pending & ~mask) : SIGNALS_NONE;
}

enum signals_waiting signals_heard(const uint64_t *mask)
{
    uint64_t own = 0;

    if (!mask)
        kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, 0, (long)&own, sizeof own, 0, 0);
    own = mask ? *mask : own;
    return effect_of_set(~own & ~(UINT64_C(3) << 31)); /* libc's own two do not count */
}
