/*
 * resolver_asked.h: what the tests of the resolver share: one that works when it is told to, in the
 * test's own process, and the end of its channel that a server would have. Policy denies bob.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver.h"

enum { ALICE = 1001, BOB = 1002, STAFF = 2001, NOBODYS = 61500 };

extern struct resolver resolver;
extern int client;          /* the server's end of the channel */
extern char resolver_log[]; /* the path of its log, in the world's own directory */

/* For cmocka's tables: a resolver, and its end; and an entry that has both. */
int resolver_set_up(void **state);
int resolver_tear_down(void **state);
#define RESOLVER_TEST(name)                                                                        \
    cmocka_unit_test_setup_teardown(name, resolver_set_up, resolver_tear_down)

/* A request as the library makes it, whose peer is `uid`. */
struct request question(enum request_kind kind, uid_t uid);

/* Sends `size` bytes with `count` descriptors. */
void send_with(int channel, const void *bytes, size_t size, const int fds[], size_t count);

/* Sends `request` with a reply socket, lets the resolver work, returns the answer's size or 0. */
ssize_t ask(const struct request *request, size_t request_size, void *answer, size_t size);

/* The same with REQUEST_RESOLVE about `uid`. */
ssize_t resolve(uid_t uid, struct answer *answer);
