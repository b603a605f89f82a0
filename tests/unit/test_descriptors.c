/*
 * test_descriptors.c: numbers stand for what was recorded, copied and forgotten, and for nothing
 * else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scope/descriptors.h"

#include <errno.h>
#include <limits.h>

static const struct descriptor connection = {
    .kind = DESCRIPTOR_CONNECTION, .cookie = 77, .uid = 1001, .account_uid = 1001};

static void a_number_never_recorded_is_nothing(void **state)
{
    (void)state;
    assert_null(descriptor_find(5));
    assert_null(descriptor_find(-1));
    assert_null(descriptor_find(INT_MAX));
    descriptor_forget(-1);
    descriptor_forget(INT_MAX);
}

static void what_is_recorded_is_found_until_forgotten(void **state)
{
    (void)state;
    assert_int_equal(descriptor_record(1023, &connection), 0);
    assert_int_equal(descriptor_record(1024, &connection), 0);
    assert_int_equal(descriptor_find(1024)->cookie, 77);
    descriptor_forget(1024);
    assert_null(descriptor_find(1024));
    assert_non_null(descriptor_find(1023));
    descriptor_forget(1023);
}

static void too_large_a_number_is_refused(void **state)
{
    (void)state;
    assert_int_equal(descriptor_record(1024 * 1024, &connection), -EMFILE);
    assert_int_equal(descriptor_record(-1, &connection), -EMFILE);
}

static void a_copy_of_nothing_is_nothing(void **state)
{
    (void)state;
    descriptor_record(8, &connection);
    descriptor_copy(9, 8); /* dup2(9, 8): 8 is the unknown file now */
    assert_null(descriptor_find(8));
}

static void a_twin_keeps_the_connection_open(void **state)
{
    (void)state;
    descriptor_record(6, &connection);
    assert_false(descriptor_has_twin(6, 77));
    descriptor_copy(6, 3000);
    assert_true(descriptor_has_twin(6, 77));
    descriptor_forget(6);
    assert_true(descriptor_has_twin(-1, 77));
    assert_false(descriptor_has_twin(3000, 77));
    descriptor_forget(3000);
    assert_false(descriptor_has_twin(-1, 77));
}

static void a_range_is_forgotten_with_both_its_ends(void **state)
{
    (void)state;
    for (int number = 3; number <= 2050; number++)
        descriptor_record(number, &connection);
    descriptor_forget_range(4, 2049);
    assert_non_null(descriptor_find(3));
    assert_null(descriptor_find(4));
    assert_null(descriptor_find(2049));
    assert_non_null(descriptor_find(2050));
    descriptor_forget_range(0, UINT_MAX);
    assert_null(descriptor_find(3));
    assert_null(descriptor_find(2050));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_never_recorded_is_nothing),
        cmocka_unit_test(what_is_recorded_is_found_until_forgotten),
        cmocka_unit_test(too_large_a_number_is_refused),
        cmocka_unit_test(a_copy_of_nothing_is_nothing),
        cmocka_unit_test(a_twin_keeps_the_connection_open),
        cmocka_unit_test(a_range_is_forgotten_with_both_its_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
