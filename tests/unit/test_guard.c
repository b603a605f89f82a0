/* guard.c: ids that belong to nobody. Runs in tests/world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = GUARD_LAST - GUARD_FIRST + 1 };

static void ids_are_nobodys_and_differ(void **state)
{
    uid_t ids[4];

    (void)state;
    assert_int_equal(guard_pick(ids, 4), 0);
    for (int i = 0; i < 4; i++) {
        assert_in_range(ids[i], GUARD_FIRST, GUARD_LAST);
        assert_null(getpwuid(ids[i]));
        assert_null(getgrgid(ids[i]));
        for (int j = 0; j < i; j++)
            assert_int_not_equal(ids[i], ids[j]);
    }
}

/* Of 20 pairs of services that start at once hardly two may meet. */
static void two_runs_look_in_different_places(void **state)
{
    int same = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        uid_t first, second;

        assert_int_equal(guard_pick(&first, 1), 0);
        assert_int_equal(guard_pick(&second, 1), 0);
        same += first == second;
    }
    assert_in_range(same, 0, 2);
}

static void every_kind_of_id_is_marked(void **state)
{
    bool used[COUNT] = {false};
    int marked = 0;

    (void)state;
    guard_mark("Uid:\t61184\t61185\t61186\t61187\n", used);
    guard_mark("Gid:\t65519\t65520\t61183\t0\n", used);
    guard_mark("Groups:\t4 62000 4294967295 \n", used);
    guard_mark("Groups:\t \n", used);
    guard_mark("Pid:\t61190\n", used);
    guard_mark("Name:\tUid: 61191\n", used);
    for (int i = 0; i < COUNT; i++)
        marked += used[i];
    assert_int_equal(marked, 6);
    assert_true(used[0] && used[1] && used[2] && used[3]);
    assert_true(used[65519 - GUARD_FIRST] && used[62000 - GUARD_FIRST]);
}

/* A process whose supplementary groups are all of them but the two given. */
static pid_t take_all_but(gid_t first, gid_t second)
{
    static gid_t groups[COUNT];
    size_t count = 0;
    int ready[2];
    char byte;
    pid_t child;

    for (gid_t id = GUARD_FIRST; id <= GUARD_LAST; id++) {
        if (id != first && id != second)
            groups[count++] = id;
    }
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setgroups(count, groups) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void ids_that_a_process_has_are_left_alone(void **state)
{
    pid_t child = take_all_but(61300, 65000);
    uid_t ids[3] = {0};
    int two = guard_pick(ids, 2), three = guard_pick(ids, 3);

    (void)state;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(two, 0);
    assert_int_equal(ids[0] + ids[1], 61300 + 65000);
    assert_int_equal(three, -ENOENT);
}

static void ids_that_an_account_has_are_left_alone(void **state)
{
    pid_t child = take_all_but(61301, 65001);
    FILE *passwd = fopen("/etc/passwd", "a");
    uid_t id = 0;
    int one, two;

    (void)state;
    assert_non_null(passwd);
    fprintf(passwd, "dynamic:x:61301:61301::/:/bin/false\n");
    fclose(passwd);
    one = guard_pick(&id, 1);
    two = guard_pick((uid_t[2]){0}, 2);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(one, 0);
    assert_int_equal(id, 65001);
    assert_int_equal(two, -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_nobodys_and_differ),
        cmocka_unit_test(two_runs_look_in_different_places),
        cmocka_unit_test(every_kind_of_id_is_marked),
        cmocka_unit_test(ids_that_a_process_has_are_left_alone),
        cmocka_unit_test(ids_that_an_account_has_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
