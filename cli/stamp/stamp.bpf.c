/*
 * stamp.bpf.c: puts the sender's user id on each packet of the loopback device (identity/stamp.h).
 *
 * Runs in the kernel, for every socket of the host: cgroup_skb at the root of the hierarchy. There
 * the packet still has its socket, and the kernel tells whose that is. A packet that has none (what
 * the kernel itself answers for a socket that has gone) gets overflowuid, which is nobody, and so
 * is whose id has no room in a stamp. Whatever mark was there, set by the sender or by a program
 * further down the hierarchy, is overwritten: for a packet that leaves, programs run from its own
 * cgroup up to the root.
 *
 * A packet that came from outside may not bear the tag: what arrives by other devices is cleaned,
 * and a datagram gets the bit that says so. But this host hears its own multicast there, too,
 * looped back with whatever source address the sender liked: that is nobody's, or it would pass for
 * another host's.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>

#include <bpf/bpf_helpers.h>

#include "identity/stamp.h"

char terms[] SEC("license") = "Dual MIT/GPL";

enum { PASS = 1, SOCK_DGRAM = 2 };

SEC("cgroup_skb/egress")
int stamp_put(struct __sk_buff *packet)
{
    __u32 uid;

    if (packet->ifindex != STAMP_LOOPBACK)
        return PASS;
    uid = bpf_get_socket_uid(packet);
    packet->mark = stamp_tag | (uid & ~stamp_uid ? stamp_nobody : uid);
    return PASS;
}

/* A connection would keep the bit (net.ipv4.tcp_fwmark_accept), and be routed by it. */
static int is_datagram(struct __sk_buff *packet)
{
    struct bpf_sock *sock = packet->sk;

    if (sock)
        sock = bpf_sk_fullsock(sock);
    return sock && sock->type == SOCK_DGRAM;
}

SEC("cgroup_skb/ingress")
int stamp_clean(struct __sk_buff *packet)
{
    if (packet->ifindex == STAMP_LOOPBACK)
        return PASS;
    packet->mark &= ~stamp_tag;
    if (packet->pkt_type == PACKET_LOOPBACK)
        packet->mark = stamp_tag | stamp_nobody;
    else if (is_datagram(packet))
        packet->mark |= stamp_outside;
    return PASS;
}
