/*
 * server.c: what the server does to its own ids and capabilities before it serves.
 *
 * Invariant: the key survives it, and nothing else that the server gave up does.
 */
#include "credentials/credentials.h"

#include "credentials/place.h"
#include "credentials/set.h"

static bool server_keeps; /* it asked to keep its capabilities over its setuid(2) */

void credentials_after_own_change(void)
{
    uint64_t effective, permitted;
    uid_t uids[3];

    if (!credentials_base()->has_key || server_keeps || get_uids(uids) < 0)
        return;
    if (uids[0] == 0 || uids[1] == 0 || uids[2] == 0)
        return;
    if (get_capabilities(&effective, &permitted) == 0 && (permitted & ~(KEY | place.root)))
        set_capabilities(0, permitted & (KEY | place.root), 0);
}

bool credentials_is_sealed_from_outside(void)
{
    uint64_t effective, permitted;
    uid_t uids[3];

    if (get_uids(uids) < 0 || get_capabilities(&effective, &permitted) < 0)
        return false;
    return uids[0] != 0 && uids[1] != 0 && uids[2] != 0 && permitted == 0;
}

int credentials_server_keep_caps(bool keep)
{
    server_keeps = keep;
    return 0;
}

bool credentials_server_keeps_caps(void)
{
    return server_keeps;
}

void credentials_add_key(struct __user_cap_data_struct data[2])
{
    uint64_t effective, permitted;

    if (credentials_base()->has_key && get_capabilities(&effective, &permitted) == 0)
        data[0].permitted |= (uint32_t)(permitted & (KEY | place.root));
}

unsigned long credentials_add_key_bits(unsigned long securebits)
{
    return credentials_base()->has_key ? securebits | 1ul << 4 /* SECBIT_KEEP_CAPS */ : securebits;
}
