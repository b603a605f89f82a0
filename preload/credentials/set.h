/*
 * set.h: the system calls of credentials/, private to it.
 *
 * Each acts on the calling task alone (never libc's broadcast to every thread) and returns 0 or
 * -errno.
 */
#pragma once

#include "account/account.h"
#include "kernel.h"

#include <linux/capability.h>
#include <sys/prctl.h>

enum { KEY = 1u << CAP_SETUID | 1u << CAP_SETGID };

static inline int set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}};

    return (int)kernel_call(SYS_capset, (long)&header, (long)data, 0, 0, 0, 0);
}

static inline int get_capabilities(uint64_t *effective, uint64_t *permitted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    int result = (int)kernel_call(SYS_capget, (long)&header, (long)data, 0, 0, 0, 0);

    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return result;
}

static inline int set_groups(unsigned count, const gid_t groups[])
{
    return (int)kernel_call(SYS_setgroups, count, (long)groups, 0, 0, 0, 0);
}

static inline int set_gids(gid_t gid)
{
    return (int)kernel_call(SYS_setresgid, gid, gid, gid, 0, 0, 0);
}

static inline int set_uids(uid_t real, uid_t effective, uid_t saved)
{
    return (int)kernel_call(SYS_setresuid, real, effective, saved, 0, 0, 0);
}

static inline int get_uids(uid_t ids[3])
{
    return (int)kernel_call(SYS_getresuid, (long)&ids[0], (long)&ids[1], (long)&ids[2], 0, 0, 0);
}

static inline int get_gids(gid_t ids[3])
{
    return (int)kernel_call(SYS_getresgid, (long)&ids[0], (long)&ids[1], (long)&ids[2], 0, 0, 0);
}

static inline int process_control(int option, unsigned long a, unsigned long b)
{
    return (int)kernel_call(SYS_prctl, option, (long)a, (long)b, 0, 0, 0);
}

/* Blocks every signal, libc's own included, so that a switch is seen whole or not at all. */
static inline uint64_t block_signals(void)
{
    uint64_t all = ~(uint64_t)0, old = 0;

    kernel_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)&old, sizeof old, 0, 0);
    return old;
}

static inline void restore_signals(uint64_t old)
{
    kernel_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&old, 0, sizeof old, 0, 0);
}
