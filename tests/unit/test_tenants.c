/* tenants.c: who waits for which instance, and in what order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenants.h"

#include <stdlib.h>

static struct tenants tenants;

static int begin(void **state)
{
    (void)state;
    tenants_init(&tenants);
    return 0;
}

static struct account account_of(uid_t uid, gid_t one, gid_t other)
{
    return (struct account){.uid = uid, .gid = uid, .group_count = 2, .groups = {one, other}};
}

static void release_all(void *context, struct tenant *tenant)
{
    (void)context;
    while (tenant->queues)
        free(tenants_take(&tenants, tenant, tenant->queues));
    while (tenant->held)
        tenants_let_go(&tenants, tenant);
    tenants_want_no_more(&tenants, tenant);
    tenants_release(&tenants, tenant, INT64_MAX);
}

static int end(void **state)
{
    (void)state;
    tenants_visit(&tenants, release_all, NULL);
    for (int i = 0; i < TENANT_BUCKETS; i++)
        if (tenants.buckets[i])
            return -1;
    return tenants.waiting == 0 && tenants.held == 0 && tenants.wanting == 0 ? 0 : -1;
}

static void one_group_makes_another_tenant(void **state)
{
    struct account alice = account_of(1001, 1001, 2001);
    struct account turned = account_of(1001, 2001, 1001);
    struct account fewer = account_of(1001, 1001, 2001);
    struct account other = account_of(1001, 1001, 2002);

    (void)state;
    fewer.group_count = 1;
    assert_ptr_equal(tenants_of(&tenants, &alice), tenants_of(&tenants, &alice));
    assert_ptr_equal(tenants_of(&tenants, &alice), tenants_of(&tenants, &turned));
    assert_ptr_not_equal(tenants_of(&tenants, &alice), tenants_of(&tenants, &fewer));
    assert_ptr_not_equal(tenants_of(&tenants, &alice), tenants_of(&tenants, &other));
    turned.gid = 2001;
    assert_ptr_not_equal(tenants_of(&tenants, &alice), tenants_of(&tenants, &turned));
}

static void wait_at(struct tenant *tenant, uint32_t listener, int connection)
{
    struct identity peer = {.uid = tenant->account.uid};

    assert_int_equal(tenants_wait(&tenants, tenant, connection, listener, &peer, 0), 0);
}

/* Takes the first at that listener, which must be this one; returns whether there are more. */
static bool comes_first(struct tenant *tenant, uint32_t listener, int connection)
{
    struct waiting *first = tenants_take(&tenants, tenant, tenants_queue(tenant, listener));
    bool more = first->next;

    assert_int_equal(first->connection, connection);
    free(first);
    return more;
}

static void connections_wait_in_the_order_of_their_coming(void **state)
{
    struct account account = account_of(1001, 1001, 2001);
    struct tenant *tenant = tenants_of(&tenants, &account);

    (void)state;
    for (int connection = 100; connection < 103; connection++)
        wait_at(tenant, 1, connection);
    assert_int_equal(tenant->waiting, 3);
    assert_true(comes_first(tenant, 1, 100));
    wait_at(tenant, 1, 103);
    assert_true(comes_first(tenant, 1, 101));
    assert_true(comes_first(tenant, 1, 102));
    assert_false(comes_first(tenant, 1, 103));
    assert_null(tenant->queues);
    assert_int_equal(tenants.waiting, 0);
    wait_at(tenant, 1, 104);
    assert_false(comes_first(tenant, 1, 104));
}

/* However many wait where nobody takes them: who asks for another listener's does not see them. */
static void those_of_another_listener_are_not_in_the_way(void **state)
{
    enum { MANY = 1000 };
    struct account account = account_of(1001, 1001, 2001);
    struct tenant *tenant = tenants_of(&tenants, &account);

    (void)state;
    for (int i = 0; i < MANY; i++)
        wait_at(tenant, 2, i);
    assert_null(tenants_queue(tenant, 1));
    wait_at(tenant, 1, 2000);
    wait_at(tenant, 3, 3000);
    assert_false(comes_first(tenant, 1, 2000));
    assert_null(tenants_queue(tenant, 1));
    assert_true(comes_first(tenant, 2, 0));
    assert_false(comes_first(tenant, 3, 3000));
    assert_int_equal(tenant->waiting, MANY - 1);
}

static void the_line_is_first_come_first_served(void **state)
{
    struct tenant *all[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct account account = account_of(1000 + i, 1, 2);

        all[i] = tenants_of(&tenants, &account);
        tenants_want(&tenants, all[i]);
        tenants_want(&tenants, all[i]); /* who stands in it has a place already */
    }
    assert_int_equal(tenants.wanting, 4);
    tenants_want_no_more(&tenants, all[3]);
    tenants_want_no_more(&tenants, all[1]);
    tenants_want_no_more(&tenants, all[1]);
    tenants_want(&tenants, all[3]);
    for (int i = 0; i < 3; i++) {
        static const int left[] = {0, 2, 3};

        assert_ptr_equal(tenants.wants_first, all[left[i]]);
        tenants_want_no_more(&tenants, all[left[i]]);
    }
    assert_null(tenants.wants_first);
}

static void failures_are_remembered_until_their_time_is_over(void **state)
{
    struct account account = account_of(1001, 1, 2);
    struct tenant *tenant = tenants_of(&tenants, &account);

    (void)state;
    tenant->failures = 3;
    tenant->remembered = 1000;
    tenants_release(&tenants, tenant, 999);
    assert_ptr_equal(tenants_of(&tenants, &account), tenant);
    assert_int_equal(tenant->failures, 3);
    tenants_release(&tenants, tenant, 1000);
    assert_int_equal(tenants_of(&tenants, &account)->failures, 0);
}

/* Each that hangs leaves two thirds to the others: a dozen may hang, and there is room. */
static void nobody_takes_all_the_room(void **state)
{
    enum { MOST = 49152, HANGING = 12 };
    unsigned left = MOST;

    (void)state;
    for (uid_t uid = 0; uid <= HANGING; uid++) {
        struct account account = account_of(2000 + uid, 1, 2);
        struct tenant *tenant = tenants_of(&tenants, &account);
        struct identity peer = {.uid = uid};

        assert_false(tenants_has_its_share(&tenants, tenant, MOST));
        while (!tenants_has_its_share(&tenants, tenant, MOST))
            assert_int_equal(tenants_wait(&tenants, tenant, 5, 1, &peer, 100), 0);
        assert_true(tenant->waiting <= left / 3 + 1);
        left -= tenant->waiting;
    }
    assert_true(tenants.waiting < MOST);
}

/* What its instance makes us keep is taken from the same share. */
static void what_is_held_is_not_for_clients(void **state)
{
    enum { MOST = 300 };
    struct account alice = account_of(1001, 1, 2), bob = account_of(1002, 1, 2);
    struct tenant *holds = tenants_of(&tenants, &alice), *waits = tenants_of(&tenants, &bob);

    (void)state;
    while (holds->held < MOST && !tenants_has_its_share(&tenants, holds, MOST))
        tenants_hold(&tenants, holds);
    assert_int_equal(holds->held, MOST / 3);
    while (waits->waiting < MOST && !tenants_has_its_share(&tenants, waits, MOST))
        wait_at(waits, 1, 5);
    assert_true(waits->waiting <= (MOST - MOST / 3) / 3 + 1);
    tenants_let_go(&tenants, holds);
    assert_int_equal(tenants.held, MOST / 3 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_group_makes_another_tenant, begin, end),
        cmocka_unit_test_setup_teardown(connections_wait_in_the_order_of_their_coming, begin, end),
        cmocka_unit_test_setup_teardown(those_of_another_listener_are_not_in_the_way, begin, end),
        cmocka_unit_test_setup_teardown(what_is_held_is_not_for_clients, begin, end),
        cmocka_unit_test_setup_teardown(nobody_takes_all_the_room, begin, end),
        cmocka_unit_test_setup_teardown(the_line_is_first_come_first_served, begin, end),
        cmocka_unit_test_setup_teardown(
            failures_are_remembered_until_their_time_is_over, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
