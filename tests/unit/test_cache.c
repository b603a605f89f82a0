/*
 * test_cache.c: an answer is found whole, for the identity it was given for, and not when it is
 * old.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/cache.h"

#include <pthread.h>
#include <stdatomic.h>

static struct identity user(uid_t uid)
{
    return (struct identity){.kind = IDENTITY_USER, .uid = uid};
}

static struct account account_of(uid_t uid, unsigned groups)
{
    struct account account = {.uid = uid, .gid = uid, .group_count = groups};

    for (unsigned i = 0; i < groups; i++)
        account.groups[i] = uid;
    return account;
}

static void remember(uid_t uid, unsigned groups)
{
    struct identity peer = user(uid);
    struct account account = account_of(uid, groups);
    struct cached_answer answer = {.verdict = ACCOUNT_SERVED};

    cache_remember(&peer, &answer, &account);
}

static bool found(uid_t uid, struct account *account)
{
    struct identity peer = user(uid);
    struct cached_answer answer;

    return cache_find(&peer, &answer, account);
}

static void what_was_remembered_is_found(void **state)
{
    struct account account;

    (void)state;
    cache_set_lifetime(60000);
    remember(1001, 3);
    assert_true(found(1001, &account));
    assert_int_equal(account.uid, 1001);
    assert_int_equal(account.group_count, 3);
    assert_int_equal(account.groups[2], 1001);
}

static void nobody_is_found_in_anothers_place(void **state)
{
    struct account account;

    (void)state;
    cache_set_lifetime(60000);
    for (uid_t uid = 1; uid < 5000; uid++) {
        remember(uid, 1);
        for (uid_t other = uid > 100 ? uid - 100 : 1; other < uid + 100; other++)
            if (found(other, &account))
                assert_int_equal(account.uid, other);
    }
}

static void a_user_is_no_host(void **state)
{
    struct identity host = {.kind = IDENTITY_HOST, .uid = 1001};
    struct cached_answer answer;
    struct account account;

    (void)state;
    cache_set_lifetime(60000);
    remember(1001, 1);
    assert_false(cache_find(&host, &answer, &account));
}

static void an_old_answer_is_asked_for_again(void **state)
{
    struct account account;

    (void)state;
    cache_set_lifetime(0);
    remember(1002, 1);
    assert_false(found(1002, &account));
}

static void more_groups_than_fit_are_asked_for_each_time(void **state)
{
    struct account account;

    (void)state;
    cache_set_lifetime(60000);
    remember(1003, 33);
    assert_false(found(1003, &account));
}

static atomic_bool enough;

/* Writes two users whose answers share a place, over and over. */
static void *write_always(void *argument)
{
    (void)argument;
    for (unsigned i = 0; !atomic_load(&enough); i++)
        remember(1001 + (i % 64) * 1, 1 + i % 32);
    return NULL;
}

static void readers_see_whole_answers(void **state)
{
    pthread_t writers[2];
    struct account account;

    (void)state;
    cache_set_lifetime(60000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_always, NULL), 0);
    for (unsigned i = 0; i < 300000; i++) {
        uid_t uid = 1001 + i % 64;

        if (!found(uid, &account))
            continue;
        assert_int_equal(account.uid, uid);
        for (unsigned group = 0; group < account.group_count; group++)
            assert_int_equal(account.groups[group], uid);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_remembered_is_found),
        cmocka_unit_test(nobody_is_found_in_anothers_place),
        cmocka_unit_test(a_user_is_no_host),
        cmocka_unit_test(an_old_answer_is_asked_for_again),
        cmocka_unit_test(more_groups_than_fit_are_asked_for_each_time),
        cmocka_unit_test(readers_see_whole_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
