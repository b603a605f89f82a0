/*
 * stamp.h: has the kernel put the sender's user id on every packet of the loopback device.
 *
 * Invariant: packets are stamped while some process has the descriptors open, and not a moment
 * longer: nothing is pinned, nothing is left behind (BPF links, bpf(2) BPF_LINK_CREATE). Several of
 * these may be attached at once: each puts the same stamp.
 *
 * Used by run, before it has threads or children. Needs CAP_BPF and CAP_NET_ADMIN in the initial
 * user namespace, and the root of a cgroup v2 hierarchy, wherever it is mounted (/proc/mounts).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct stamp {
    int links[2];   /* -1: none; close-on-exec */
    uint64_t netns; /* SO_NETNS_COOKIE of the namespace whose packets are meant, 0: none */
};

/*
 * Attaches it. 0, or -errno with why not in `message`, for a person to read: then *stamp has no
 * links, and datagrams of this host say nothing of their senders.
 */
int stamp_attach(struct stamp *stamp, char *message, size_t size);

/* Closes the descriptors in this process. */
void stamp_close(struct stamp *stamp);
