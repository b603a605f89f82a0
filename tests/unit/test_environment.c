/*
 * test_environment.c: at base a new program is wrapped whatever the server did to its environment,
 * and for a peer nothing of wsapeer is left in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scope/environment.h"
#include "scope/program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "/lib/wsapeer/libwsapeer-preload.so"

static char *room;

/* The value of a variable in what was made, NULL if it is not there; it must not be there twice. */
static const char *value(char **environment, const char *name)
{
    const char *found = NULL;

    for (; *environment; environment++)
        if (strncmp(*environment, name, strlen(name)) == 0 && (*environment)[strlen(name)] == '=') {
            assert_null(found);
            found = *environment + strlen(name) + 1;
        }
    return found;
}

static char **made(const char *const strings[], int channel)
{
    char *const *old = (char *const *)(uintptr_t)strings;

    free(room);
    room = malloc(environment_room(old));
    assert_non_null(room);
    return environment_make(old, room, channel);
}

static void an_empty_environment_is_wrapped(void **state)
{
    const char *const none[] = {NULL};

    (void)state;
    assert_string_equal(value(made(none, 970), "LD_PRELOAD"), LIBRARY);
    assert_string_equal(value(made(none, 970), "WSAPEER_CHANNEL"), "0000970");
    assert_string_equal(value(made(NULL, 970), "LD_PRELOAD"), LIBRARY);
}

static void others_stay_preloaded_behind_ours(void **state)
{
    const char *const old[] = {
        "A=1", "LD_PRELOAD=/x.so " LIBRARY ":/y.so", "WSAPEER_CHANNEL=3", NULL};

    (void)state;
    assert_string_equal(value(made(old, 12), "LD_PRELOAD"), LIBRARY ":/x.so:/y.so");
    assert_string_equal(value(made(old, 12), "WSAPEER_CHANNEL"), "0000012");
    assert_string_equal(value(made(old, 12), "A"), "1");
}

static void for_a_peer_only_the_others_are_left(void **state)
{
    const char *const mixed[] = {"LD_PRELOAD=" LIBRARY ":/x.so", "WSAPEER_CHANNEL=3", "B=2", NULL};
    const char *const ours[] = {"LD_PRELOAD=" LIBRARY, "WSAPEER_CHANNEL=3", NULL};

    (void)state;
    assert_string_equal(value(made(mixed, -1), "LD_PRELOAD"), "/x.so");
    assert_null(value(made(mixed, -1), "WSAPEER_CHANNEL"));
    assert_string_equal(value(made(mixed, -1), "B"), "2");
    assert_null(made(ours, -1)[0]);
}

static void names_that_only_begin_alike_are_left_alone(void **state)
{
    const char *const old[] = {
        "LD_PRELOADED=1", "WSAPEER_CHANNELS=2", "LD_PRELOAD=" LIBRARY "2", NULL};

    (void)state;
    assert_string_equal(value(made(old, -1), "LD_PRELOADED"), "1");
    assert_string_equal(value(made(old, -1), "WSAPEER_CHANNELS"), "2");
    assert_string_equal(value(made(old, -1), "LD_PRELOAD"), LIBRARY "2");
}

static void a_sealed_process_is_clean_itself(void **state)
{
    (void)state;
    setenv("LD_PRELOAD", LIBRARY ":/x.so", 1);
    setenv("WSAPEER_CHANNEL", "970", 1);
    program_clean_own_environment();
    assert_string_equal(getenv("LD_PRELOAD"), "/x.so");
    assert_null(getenv("WSAPEER_CHANNEL"));
    setenv("LD_PRELOAD", LIBRARY, 1);
    program_clean_own_environment();
    assert_null(getenv("LD_PRELOAD"));
}

static int prepare(void **state)
{
    (void)state;
    environment_set_library(LIBRARY);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    free(room);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_environment_is_wrapped),
        cmocka_unit_test(others_stay_preloaded_behind_ours),
        cmocka_unit_test(for_a_peer_only_the_others_are_left),
        cmocka_unit_test(names_that_only_begin_alike_are_left_alone),
        cmocka_unit_test(a_sealed_process_is_clean_itself),
    };

    return cmocka_run_group_tests(tests, prepare, finish);
}
