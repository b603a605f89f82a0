/*
 * test_nss.c: an account is complete or there is none, whatever the directory does.
 *
 * Inside tests/world, whose /etc/nsswitch.conf is covered with one that also asks a module of the
 * test's own (nss_wsapeertest.c), before the files for groups: what it fails to say would be
 * covered up by their "not found".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account/nss.h"
#include "account/services.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

static struct account account;
static int error;

static void directory_is(const char *state)
{
    setenv("NSS_TEST", state, 1);
}

static int up(void **state)
{
    (void)state;
    directory_is("up");
    return 0;
}

static void assert_nobody(void)
{
    assert_int_equal(account.uid, (uid_t)-1);
    assert_int_equal(account.gid, (gid_t)-1);
    assert_int_equal(account.group_count, 0);
}

static void a_local_account_is_complete(void **state)
{
    (void)state;
    assert_int_equal(account_of_uid(1001, &account, &error), ACCOUNT_SERVED);
    assert_int_equal(error, 0);
    assert_int_equal(account.uid, 1001);
    assert_int_equal(account.gid, 1001);
    assert_int_equal(account.group_count, 2);
    assert_true(account_has_group(&account, 1001));
    assert_true(account_has_group(&account, 2001));
    assert_false(account_has_group(&account, 1002));

    assert_int_equal(account_of_name("bob", &account, &error), ACCOUNT_SERVED);
    assert_int_equal(account.uid, 1002);
    assert_int_equal(account.group_count, 1);
    assert_int_equal(account.groups[0], 1002);
}

static void a_directory_account_with_long_entry_is_complete(void **state)
{
    (void)state;
    assert_int_equal(account_of_uid(3001, &account, &error), ACCOUNT_SERVED);
    assert_int_equal(account.group_count, 2);
    assert_int_equal(account.groups[0], 3001);
    assert_int_equal(account.groups[1], 3500);
}

static void nobody_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(account_of_uid(54321, &account, &error), ACCOUNT_UNKNOWN);
    assert_nobody();
    assert_int_equal(account_of_name("nosuchuser", &account, &error), ACCOUNT_UNKNOWN);
    assert_nobody();
    assert_int_equal(account_of_name("", &account, &error), ACCOUNT_UNKNOWN);
}

static void ids_that_stand_for_nobody_are_reserved(void **state)
{
    (void)state;
    assert_int_equal(account_of_uid((uid_t)-1, &account, &error), ACCOUNT_RESERVED_ID);
    assert_int_equal(account_of_uid(65534, &account, &error), ACCOUNT_RESERVED_ID);
    assert_int_equal(account_of_name("nobody", &account, &error), ACCOUNT_RESERVED_ID);
    assert_int_equal(account_of_name("minus", &account, &error), ACCOUNT_RESERVED_ID);
    assert_nobody();
    assert_int_equal(account_of_name("wheel", &account, &error), ACCOUNT_RESERVED_ID);
    assert_nobody();
}

static void more_groups_than_are_carried_are_refused(void **state)
{
    (void)state;
    assert_int_equal(account_of_uid(3003, &account, &error), ACCOUNT_SERVED);
    assert_int_equal(account.group_count, ACCOUNT_MAX_GROUPS);
    assert_int_equal(account.groups[ACCOUNT_MAX_GROUPS - 1], 3500 + 1022);
    assert_int_equal(account_of_uid(3002, &account, &error), ACCOUNT_TOO_MANY_GROUPS);
    assert_nobody();
}

/* Whatever errno comes along: ENOENT is what some modules give when their daemon is away. */
static void a_directory_that_is_down_gives_no_account(void **state)
{
    static const char *const states[] = {"2", "5", "11", "110", "111"};

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        directory_is(states[i]);
        assert_int_equal(account_of_uid(3001, &account, &error), ACCOUNT_DIRECTORY_ERROR);
        assert_int_equal(error, atoi(states[i]));
        assert_nobody();
        /* A local account, but who knows which groups the directory would have added? */
        assert_int_equal(account_of_uid(1001, &account, &error), ACCOUNT_DIRECTORY_ERROR);
        assert_int_equal(error, atoi(states[i]));
        assert_nobody();
    }
    directory_is("up");
    assert_int_equal(account_of_uid(1001, &account, &error), ACCOUNT_SERVED);
    assert_int_equal(account.group_count, 2);
}

static void ids_alone_need_no_groups(void **state)
{
    uid_t uid;
    gid_t gid;

    (void)state;
    directory_is("111");
    assert_int_equal(account_ids_of_name("alice", &uid, &gid, &error), ACCOUNT_SERVED);
    assert_int_equal(uid, 1001);
    assert_int_equal(gid, 1001);
    assert_int_equal(account_ids_of_uid(1002, NULL, &error), ACCOUNT_SERVED);
    assert_int_equal(account_ids_of_uid(3001, &gid, &error), ACCOUNT_DIRECTORY_ERROR);
    assert_int_equal(gid, (gid_t)-1);
}

static void without_descriptors_there_is_no_account(void **state)
{
    struct rlimit limit, none;
    enum account_verdict verdict;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    verdict = account_of_uid(1001, &account, &error);
    setrlimit(RLIMIT_NOFILE, &limit);
    /* That the files cannot be opened is covered up by the module's "not found". */
    assert_true(verdict == ACCOUNT_DIRECTORY_ERROR || verdict == ACCOUNT_UNKNOWN);
    assert_nobody();
}

static void names_are_found_or_empty(void **state)
{
    char name[64], small[4];
    gid_t gid;

    (void)state;
    assert_int_equal(account_user_name(1001, name, sizeof name), 0);
    assert_string_equal(name, "alice");
    assert_int_equal(account_group_name(2001, name, sizeof name), 0);
    assert_string_equal(name, "staff");
    assert_int_equal(account_user_name(54321, name, sizeof name), -ENOENT);
    assert_string_equal(name, "");
    assert_int_equal(account_group_name(2001, small, sizeof small), -ERANGE);
    assert_string_equal(small, "");
    directory_is("111");
    assert_int_equal(account_user_name(54321, name, sizeof name), -ECONNREFUSED);

    directory_is("up");
    assert_int_equal(account_group_of_name("staff", &gid, &error), ACCOUNT_SERVED);
    assert_int_equal(gid, 2001);
    assert_int_equal(account_group_of_name("nosuchgroup", &gid, &error), ACCOUNT_UNKNOWN);
    assert_int_equal(gid, (gid_t)-1);
}

static void assert_strict(const char *line, const char *expected)
{
    char strict[256];

    assert_int_equal(services_strict_line(line, strict, sizeof strict), 0);
    assert_string_equal(strict, expected);
}

static void service_lines_become_strict(void **state)
{
    char strict[64];

    (void)state;
    assert_strict("", "");
    assert_strict(" files\n", "files [UNAVAIL=return TRYAGAIN=return ] ");
    assert_strict("files nosuchservice",
        "files [UNAVAIL=return TRYAGAIN=return ] nosuchservice [UNAVAIL=continue ] ");
    /* What the administrator says comes last, and so counts. */
    assert_strict("files[SUCCESS=merge UNAVAIL=continue]",
        "files [UNAVAIL=return TRYAGAIN=return SUCCESS=merge UNAVAIL=continue] ");
    assert_int_equal(services_strict_line("files [SUCCESS=merge", strict, 64), -EINVAL);
    assert_int_equal(services_strict_line("[SUCCESS=merge]", strict, 64), -EINVAL);
    assert_int_equal(services_strict_line("files files", strict, 64), -ERANGE);
}

static void every_verdict_has_a_text(void **state)
{
    (void)state;
    for (int verdict = ACCOUNT_SERVED; verdict <= ACCOUNT_NO_INSTANCE; verdict++)
        assert_string_not_equal(account_verdict_text(verdict), "an unknown verdict");
    assert_string_equal(account_verdict_text(ACCOUNT_NO_INSTANCE + 1), "an unknown verdict");
}

static int cover_configuration(void **state)
{
    char path[] = "/tmp/nsswitchXXXXXX";
    int file = mkstemp(path);

    (void)state;
    if (file < 0 || dprintf(file, "passwd: files wsapeertest\n"
                                  "group: wsapeertest files # not the last\n") < 0)
        return -1;
    close(file);
    if (dlopen(NSS_MODULE, RTLD_NOW) == NULL ||
        mount(path, "/etc/nsswitch.conf", "", MS_BIND, "")) {
        print_error("%s, %s\n", dlerror(), strerror(errno));
        return -1;
    }
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_local_account_is_complete, up),
        cmocka_unit_test_setup(a_directory_account_with_long_entry_is_complete, up),
        cmocka_unit_test_setup(nobody_is_unknown, up),
        cmocka_unit_test_setup(ids_that_stand_for_nobody_are_reserved, up),
        cmocka_unit_test_setup(more_groups_than_are_carried_are_refused, up),
        cmocka_unit_test_setup(a_directory_that_is_down_gives_no_account, up),
        cmocka_unit_test_setup(ids_alone_need_no_groups, up),
        cmocka_unit_test_setup(without_descriptors_there_is_no_account, up),
        cmocka_unit_test_setup(names_are_found_or_empty, up),
        cmocka_unit_test_setup(service_lines_become_strict, up),
        cmocka_unit_test_setup(every_verdict_has_a_text, up),
    };

    return cmocka_run_group_tests(tests, cover_configuration, NULL);
}
