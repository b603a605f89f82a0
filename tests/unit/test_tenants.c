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
    while (tenant->first)
        free(tenants_take(&tenants, tenant, &tenant->first));
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
    return tenants.waiting == 0 && tenants.wanting == 0 ? 0 : -1;
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

static void connections_wait_in_the_order_of_their_coming(void **state)
{
    struct account account = account_of(1001, 1001, 2001);
    struct tenant *tenant = tenants_of(&tenants, &account);
    struct identity peer = {.uid = 1001};

    (void)state;
    for (int connection = 100; connection < 104; connection++)
        assert_int_equal(tenants_wait(&tenants, tenant, connection, 1, &peer, 0), 0);
    assert_int_equal(tenant->waiting, 4);

    /* From the middle, from the end, and then on at the end again. */
    free(tenants_take(&tenants, tenant, &tenant->first->next));
    free(tenants_take(&tenants, tenant, &tenant->first->next->next));
    assert_int_equal(tenants_wait(&tenants, tenant, 104, 1, &peer, 0), 0);
    for (int i = 0; i < 3; i++) {
        static const int left[] = {100, 102, 104};
        struct waiting *first = tenants_take(&tenants, tenant, &tenant->first);

        assert_int_equal(first->connection, left[i]);
        free(first);
    }
    assert_null(tenant->first);
    assert_int_equal(tenants.waiting, 0);
    assert_int_equal(tenants_wait(&tenants, tenant, 105, 1, &peer, 0), 0);
    assert_int_equal(tenant->first->connection, 105);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_group_makes_another_tenant, begin, end),
        cmocka_unit_test_setup_teardown(connections_wait_in_the_order_of_their_coming, begin, end),
        cmocka_unit_test_setup_teardown(nobody_takes_all_the_room, begin, end),
        cmocka_unit_test_setup_teardown(the_line_is_first_come_first_served, begin, end),
        cmocka_unit_test_setup_teardown(
            failures_are_remembered_until_their_time_is_over, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
