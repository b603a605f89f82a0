/*
 * test_who.c: WHO is read to the last character, and root is let in by name only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "who.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static char message[512];

static struct who parsed(const char *text)
{
    struct who who;

    message[0] = '\0';
    if (who_parse(text, &who, message, sizeof message) != 0)
        fail_msg("%s: %s", text, message);
    return who;
}

static struct identity user(uid_t uid)
{
    return (struct identity){.kind = IDENTITY_USER, .uid = uid, .gid = (gid_t)-1};
}

static struct identity host(const char *text)
{
    struct identity identity = {.kind = IDENTITY_HOST, .uid = (uid_t)-1, .gid = (gid_t)-1};
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1) {
        identity.peer.family = AF_INET;
        memset(identity.peer.address.s6_addr + 10, 0xff, 2);
        memcpy(identity.peer.address.s6_addr + 12, &four, 4);
    } else {
        identity.peer.family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &identity.peer.address), 1);
    }
    return identity;
}

static enum who_answer asked(const char *text, struct identity peer)
{
    struct who who = parsed(text);
    struct who_membership membership = {.asked = false};

    return who_matches(&who, &peer, &membership);
}

static void names_and_numbers_are_one_user(void **state)
{
    (void)state;
    assert_int_equal(asked("alice", user(1001)), WHO_YES);
    assert_int_equal(asked("user:alice", user(1001)), WHO_YES);
    assert_int_equal(asked("1001", user(1001)), WHO_YES);
    assert_int_equal(asked("alice", user(1002)), WHO_NO);
    assert_int_equal(asked("1001", user(10010)), WHO_NO);
    assert_int_equal(asked("alice", host("192.0.2.7")), WHO_NO);
    assert_int_equal(asked("www-data", user(33)), WHO_YES);
}

static void ranges_hold_both_ends(void **state)
{
    (void)state;
    assert_int_equal(asked("1000-1999", user(1000)), WHO_YES);
    assert_int_equal(asked("1000-1999", user(1999)), WHO_YES);
    assert_int_equal(asked("1000-1999", user(999)), WHO_NO);
    assert_int_equal(asked("1000-1999", user(2000)), WHO_NO);
}

static void groups_go_by_membership(void **state)
{
    (void)state;
    assert_int_equal(asked("@staff", user(1001)), WHO_YES);
    assert_int_equal(asked("@2001", user(1001)), WHO_YES);
    assert_int_equal(asked("@staff", user(1002)), WHO_NO);
    assert_int_equal(asked("@bob", user(1002)), WHO_YES); /* the primary group */
    assert_int_equal(asked("@staff", host("192.0.2.7")), WHO_NO);
}

static void membership_of_the_unknown_is_uncertain(void **state)
{
    struct who who = parsed("@staff");
    struct identity nobody_knows = user(54321);
    struct who_membership membership = {.asked = false};

    (void)state;
    assert_int_equal(who_matches(&who, &nobody_knows, &membership), WHO_UNCERTAIN);
    assert_int_equal(membership.verdict, ACCOUNT_UNKNOWN);
}

static void networks_hold_hosts_of_their_prefix(void **state)
{
    (void)state;
    assert_int_equal(asked("192.0.2.0/24", host("192.0.2.255")), WHO_YES);
    assert_int_equal(asked("192.0.2.0/24", host("192.0.3.0")), WHO_NO);
    assert_int_equal(asked("192.0.2.128/25", host("192.0.2.127")), WHO_NO);
    assert_int_equal(asked("192.0.2.7", host("192.0.2.7")), WHO_YES);
    assert_int_equal(asked("192.0.2.7", host("192.0.2.6")), WHO_NO);
    assert_int_equal(asked("0.0.0.0/0", host("203.0.113.9")), WHO_YES);
    assert_int_equal(asked("2001:db8::/32", host("2001:db8:ffff::1")), WHO_YES);
    assert_int_equal(asked("2001:db8::/32", host("2001:db9::1")), WHO_NO);
    assert_int_equal(asked("2001:db8::/33", host("2001:db8:8000::1")), WHO_NO);
    assert_int_equal(asked("::/0", host("192.0.2.7")), WHO_NO);
    assert_int_equal(asked("0.0.0.0/0", host("2001:db8::1")), WHO_NO);
    assert_int_equal(asked("192.0.2.0/24", user(1001)), WHO_NO);
}

static void words_name_everybody_and_me(void **state)
{
    (void)state;
    assert_int_equal(asked("any", user(1001)), WHO_YES);
    assert_int_equal(asked("any", host("192.0.2.7")), WHO_YES);
    assert_int_equal(asked("me", user(getuid())), WHO_YES);
    assert_int_equal(asked("me", user(getuid() + 1)), WHO_NO);
}

static void only_single_names_may_name_root(void **state)
{
    static const char *const by_name[] = {"root", "0", "user:root", "me"};
    static const char *const by_chance[] = {"any", "0-1999", "0-0", "@root", "0.0.0.0/0"};

    (void)state;
    for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++) {
        struct who who = parsed(by_name[i]);

        assert_true(who_may_name_root(&who));
    }
    for (size_t i = 0; i < sizeof by_chance / sizeof *by_chance; i++) {
        struct who who = parsed(by_chance[i]);

        assert_false(who_may_name_root(&who));
    }
}

static void what_is_not_understood_names_nobody(void **state)
{
    static const char *const wrong[] = {"", " ", "nosuchuser", "user:", "user:nosuchuser",
        "user:1001", "user:any", "alice ", "alice,bob", "@", "@nosuchgroup", "@staff ", "@-1",
        "@4294967295", "@4294967296", "4294967295", "4294967296", "99999999999999999999", "01001",
        "-5", "+5", "0x10", "5-", "1999-1000", "1000-4294967295", "1000-1999-2999", "1000 -1999",
        "192.0.2", "192.0.2.7.1", "192.0.2.256", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
        "192.0.2.0/024", "192.0.2.0/24 ", "192.0.2.7/24", "/24", "192.0.2.0/24/8", "0192.0.2.7",
        "2001:db8::/129", "2001:db8::1/32", "2001:db8:::", "::ffff:192.0.2.7",
        "::ffff:192.0.2.0/120", "fe80::1%lo", "[2001:db8::1]", "127.0.0.1", "127.0.0.0/8", "::1",
        "nobody", "65534\n"};
    struct who who;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        message[0] = '\0';
        if (who_parse(wrong[i], &who, message, sizeof message) != -EINVAL)
            fail_msg("'%s' was understood", wrong[i]);
        assert_true(strlen(message) > 0);
        assert_int_equal(asked("alice", user(1001)), WHO_YES);
    }
}

static void a_failed_parse_leaves_a_rule_for_nobody(void **state)
{
    struct who who;
    struct who_membership membership = {.asked = false};
    struct identity root = user(0), alice = user(1001);

    (void)state;
    assert_int_equal(who_parse("nosuchuser", &who, message, sizeof message), -EINVAL);
    assert_int_equal(who_matches(&who, &root, &membership), WHO_NO);
    assert_int_equal(who_matches(&who, &alice, &membership), WHO_NO);
}

static void a_message_keeps_to_its_buffer(void **state)
{
    char small[16], long_text[1000];
    struct who who;

    (void)state;
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(who_parse(long_text, &who, small, sizeof small), -EINVAL);
    assert_int_equal(strlen(small), sizeof small - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_are_one_user),
        cmocka_unit_test(ranges_hold_both_ends),
        cmocka_unit_test(groups_go_by_membership),
        cmocka_unit_test(membership_of_the_unknown_is_uncertain),
        cmocka_unit_test(networks_hold_hosts_of_their_prefix),
        cmocka_unit_test(words_name_everybody_and_me),
        cmocka_unit_test(only_single_names_may_name_root),
        cmocka_unit_test(what_is_not_understood_names_nobody),
        cmocka_unit_test(a_failed_parse_leaves_a_rule_for_nobody),
        cmocka_unit_test(a_message_keeps_to_its_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
