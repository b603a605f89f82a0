/*
 * loop.h: what the supervisor waits for, one epoll set.
 *
 * Invariant: a source that was removed is not called again, not even for what had been reported
 * before it was removed. A source is its owner's memory and must stay where it is while it is
 * added.
 *
 * Single-threaded. Functions return 0 or -errno.
 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

struct source {
    int descriptor; /* the owner's */
    uint32_t events;
    void (*ready)(void *context, uint32_t events);
    void *context;
};

enum { LOOP_BATCH = 64 };

struct loop {
    int epoll;
    int count; /* of the batch that is being handled */
    struct epoll_event batch[LOOP_BATCH];
};

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);

int loop_add(struct loop *loop, struct source *source);

/* Waits for other events of it from now on. */
int loop_change(struct loop *loop, struct source *source, uint32_t events);

/* Before its descriptor is closed. Nothing happens if it was not added or is removed already
 * (`ready` is NULL). */
void loop_remove(struct loop *loop, struct source *source);

/* Waits once, at most `milliseconds` (-1: for ever), and calls what is ready. */
int loop_wait(struct loop *loop, int milliseconds);

/*
 * Around what closes a stranger's socket, or receives from a stranger: if ours is the last
 * descriptor of it, the kernel waits in close(2) for as long as the stranger has said (SO_LINGER),
 * unless a signal comes. One comes each millisecond until the end.
 */
void loop_hurry(void);
void loop_hurry_no_more(void);
