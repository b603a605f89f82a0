/*
 * stamp.h: what the stamp is, for who puts it on packets (cli/stamp) and who reads it.
 *
 * The stamp is a packet's mark: the user id of the socket that sent it, and one bit that no mark of
 * an administrator's firewall is expected to have; or another bit, for a datagram that came by
 * another device than loopback. Whatever has neither was sent before anything was stamped, and is
 * nobody's. Who may set marks by other ways than the stamp (CAP_NET_ADMIN, CAP_NET_RAW) rules the
 * network namespace anyway.
 *
 * Compiled for the kernel, too: nothing but constants.
 */
#pragma once

#include <linux/types.h>

static const __u32 stamp_tag = 0x80000000U;
static const __u32 stamp_outside = 0x40000000U;

/* What is left for the user id. This one is in its place for who is of this host, and nobody. */
static const __u32 stamp_uid = 0x3fffffffU;
static const __u32 stamp_nobody = 0x3fffffffU;

/* The loopback device has this number in every network namespace. */
enum { STAMP_LOOPBACK = 1 };
