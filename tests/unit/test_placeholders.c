/* test_placeholders.c: what %u, %U, %i and %% become, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "placeholders.h"

#include <string.h>

static const struct placeholder_values alice = {"alice", 1001, 7};

static void assert_becomes(const char *text, const struct placeholder_values *values,
    enum placeholders_kind kind, const char *expected)
{
    char copy[256];
    char *strings[] = {copy, NULL};
    char **expanded;

    strcpy(copy, text);
    assert_int_equal(placeholders_expand(strings, values, kind, &expanded), 0);
    assert_string_equal(expanded[0], expected);
    assert_null(expanded[1]);
    placeholders_free(expanded);
}

static void arguments_are_expanded(void **state)
{
    (void)state;
    assert_becomes("/run/%u/%U-%i.pid", &alice, PLACEHOLDERS_ARGUMENTS, "/run/alice/1001-7.pid");
    assert_becomes("%u%u=%u", &alice, PLACEHOLDERS_ARGUMENTS, "alicealice=alice");
    assert_becomes("100%%", &alice, PLACEHOLDERS_ARGUMENTS, "100%");
    assert_becomes("%%u %%%u", &alice, PLACEHOLDERS_ARGUMENTS, "%u %alice");
    assert_becomes("", &alice, PLACEHOLDERS_ARGUMENTS, "");
}

static void unknown_ones_stay(void **state)
{
    (void)state;
    assert_becomes("%h %d%s %", &alice, PLACEHOLDERS_ARGUMENTS, "%h %d%s %");
    assert_becomes("% u", &alice, PLACEHOLDERS_ARGUMENTS, "% u");
}

static void values_of_the_environment_are_expanded_where_meant(void **state)
{
    const enum placeholders_kind kind = PLACEHOLDERS_ENVIRONMENT;

    (void)state;
    assert_becomes("PIDFILE=/run/%u.pid", &alice, kind, "PIDFILE=/run/alice.pid");
    assert_becomes("A=%i%%=%U", &alice, kind, "A=7%=1001");
    assert_becomes("FORMAT=%Y-%m %%", &alice, kind, "FORMAT=%Y-%m %%");
    assert_becomes("QUOTED=%%u", &alice, kind, "QUOTED=%%u");
    assert_becomes("%u=%i", &alice, kind, "%u=7");
    assert_becomes("%u=1", &alice, kind, "%u=1");
    assert_becomes("no equals sign %u", &alice, kind, "no equals sign %u");
}

static void without_values_they_are_copied(void **state)
{
    (void)state;
    assert_becomes("%u %%", NULL, PLACEHOLDERS_ARGUMENTS, "%u %%");
    assert_becomes("A=%u", NULL, PLACEHOLDERS_ENVIRONMENT, "A=%u");
}

static void strange_names_become_numbers(void **state)
{
    static const char *const strange[] = {"", ".", "..", ".ssh", "-rf", "a/b", "../root", "a b",
        "a\nb", "a%i", "j\303\274rgen", "a:b", "a$"};
    static const char *const plain[] = {
        "a", "_apt", "a.b", "a-b", "alice@EXAMPLE.ORG", "x_1", "@a"};
    struct placeholder_values values = {NULL, 1002, 1};

    (void)state;
    assert_becomes("/run/%u", &values, PLACEHOLDERS_ARGUMENTS, "/run/1002");
    for (unsigned i = 0; i < sizeof strange / sizeof *strange; i++) {
        values.name = strange[i];
        assert_becomes("%u", &values, PLACEHOLDERS_ARGUMENTS, "1002");
        assert_becomes("A=%u", &values, PLACEHOLDERS_ENVIRONMENT, "A=1002");
    }
    for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++) {
        values.name = plain[i];
        assert_becomes("%u", &values, PLACEHOLDERS_ARGUMENTS, plain[i]);
    }
}

static bool needs(const char *text)
{
    char first[] = "nginx";
    char *strings[] = {first, (char *)text, NULL};

    return placeholders_need_account(strings, PLACEHOLDERS_ARGUMENTS);
}

static bool has(const char *text)
{
    char last[] = "-v";
    char *strings[] = {(char *)text, last, NULL};

    return placeholders_present(strings, PLACEHOLDERS_ARGUMENTS);
}

static bool variable_needs(const char *text)
{
    char *strings[] = {(char *)text, NULL};

    assert_true(placeholders_present(strings, PLACEHOLDERS_ENVIRONMENT) ||
                !placeholders_need_account(strings, PLACEHOLDERS_ENVIRONMENT));
    return placeholders_need_account(strings, PLACEHOLDERS_ENVIRONMENT);
}

static void what_is_needed_is_known_before(void **state)
{
    (void)state;
    assert_true(needs("--pid=/run/%u.pid"));
    assert_true(needs("%U"));
    assert_false(needs("%i"));
    assert_false(needs("%%u %%U"));
    assert_false(needs("%"));
    assert_true(needs("%%%u"));
    assert_true(has("%i"));
    assert_true(has("%u"));
    assert_false(has("%%i %h %%"));
    assert_false(has(""));
    assert_true(variable_needs("A=%u"));
    assert_false(variable_needs("%u=A"));
    assert_false(variable_needs("A=%i"));
    assert_false(variable_needs("%u"));
}

static void there_may_be_none(void **state)
{
    char *strings[] = {NULL};
    char **expanded;

    (void)state;
    assert_int_equal(placeholders_expand(strings, &alice, PLACEHOLDERS_ARGUMENTS, &expanded), 0);
    assert_null(expanded[0]);
    placeholders_free(expanded);
    placeholders_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_expanded),
        cmocka_unit_test(unknown_ones_stay),
        cmocka_unit_test(values_of_the_environment_are_expanded_where_meant),
        cmocka_unit_test(without_values_they_are_copied),
        cmocka_unit_test(strange_names_become_numbers),
        cmocka_unit_test(what_is_needed_is_known_before),
        cmocka_unit_test(there_may_be_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
