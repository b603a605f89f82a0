/*
 * tenants.h: the accounts that are served, and the connections that wait for their instance.
 *
 * Invariant: a tenant is one complete set of credentials (user id, group id, all groups): two that
 * differ in one group are two tenants, and a connection waits with the tenant whose peer it is, at
 * the listener where it came, and nowhere else. Each waiting connection is delivered, refused or
 * closed, once.
 *
 * Used by the supervisor, single-threaded. Knows nothing of instances but that a tenant may have
 * one.
 */
#pragma once

#include "account/account.h"

#include <stdbool.h>
#include <stdint.h>

struct instance;

/* A client that was accepted and is not delivered yet. */
struct waiting {
    struct waiting *next;
    int connection;
    int64_t since; /* milliseconds of the loop's clock */
    struct identity peer;
};

/* Those of one tenant at one listener, never none: what waits elsewhere is nothing to them. */
struct queue {
    struct queue *next;
    uint32_t listener;
    struct waiting *first, **end;
};

struct tenant {
    struct tenant *next;       /* of the same bucket */
    struct tenant *next_wants; /* in the line of those that want an instance */
    struct account account;
    struct instance *instance; /* NULL: it has none */
    struct queue *queues;
    unsigned waiting;
    unsigned held;      /* our descriptors besides, by the word of its instance */
    bool wants;         /* stands in that line */
    unsigned failures;  /* ends of its instances soon after they began, in a row */
    int64_t not_before; /* no instance before this time */
    int64_t remembered; /* until then the failures count */
};

enum { TENANT_BUCKETS = 256 };

struct tenants {
    struct tenant *buckets[TENANT_BUCKETS];
    struct tenant *wants_first, **wants_end; /* who was first is served first */
    unsigned waiting, held;                  /* of all of them */
    unsigned wanting;
};

void tenants_init(struct tenants *tenants);

/* The tenant with this account, made if there is none. NULL: no memory. */
struct tenant *tenants_of(struct tenants *tenants, const struct account *account);

/* Forgets a tenant that has no instance, nothing waiting and no failure to remember. */
void tenants_release(struct tenants *tenants, struct tenant *tenant, int64_t now);
void tenants_visit(
    struct tenants *tenants, void (*visit)(void *context, struct tenant *tenant), void *context);

/* Takes over `connection`; -ENOMEM: it stays the caller's. */
int tenants_wait(struct tenants *tenants, struct tenant *tenant, int connection, uint32_t listener,
    const struct identity *peer, int64_t now);

/* The one of that listener; NULL: nothing waits there. */
struct queue *tenants_queue(const struct tenant *tenant, uint32_t listener);

/* A descriptor of ours that is there because its instance asked; and it is closed. */
void tenants_hold(struct tenants *tenants, struct tenant *tenant);
void tenants_let_go(struct tenants *tenants, struct tenant *tenant);

/*
 * Has it as much waiting, and held, as it may, of `most` in all? That is half of what is left
 * besides: an account whose instance hangs takes a third of the room, the next one a third of the
 * rest.
 */
bool tenants_has_its_share(
    const struct tenants *tenants, const struct tenant *tenant, unsigned most);

/*
 * Takes the first of the queue, which ends with its last; it and its connection are the caller's.
 * `next` still tells whether there are more.
 */
struct waiting *tenants_take(struct tenants *tenants, struct tenant *tenant, struct queue *queue);

/* Puts the tenant at the end of the line of those that want an instance, or takes it out. */
void tenants_want(struct tenants *tenants, struct tenant *tenant);
void tenants_want_no_more(struct tenants *tenants, struct tenant *tenant);
