/* test_keeper_end.c: signals, seals, and that nothing is left of a server. Runs in tests/world. */
#include "keeper_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct account alice = {
    .uid = ALICE, .gid = ALICE, .group_count = 2, .groups = {ALICE, STAFF}};

static void a_daemon_stays_owned(void **state)
{
    struct kept kept;

    (void)state;
    start_and_go(&kept, "daemon");
    assert_int_equal(WEXITSTATUS(await_report(&kept.keeper, KEEPER_SERVER_ENDED).status), 7);
    read_until(kept.below, "daemon");
    assert_int_equal(keeper_signal(&kept.keeper, SIGTERM), 0);
    assert_int_equal(WEXITSTATUS(await_report(&kept.keeper, KEEPER_ENDED).status), 7);
    assert_string_equal(read_until(kept.below, NULL), "");
    finish(&kept);
}

static void signals_reach_the_server(void **state)
{
    struct kept kept;

    (void)state;
    start_and_go(&kept, "signals");
    read_until(kept.below, "ready");
    assert_int_equal(keeper_signal(&kept.keeper, SIGUSR1), 0);
    read_until(kept.below, "1");
    assert_int_equal(keeper_signal(&kept.keeper, SIGUSR2), 0);
    read_until(kept.below, "2");
    assert_int_equal(keeper_signal(&kept.keeper, SIGTERM), 0);
    assert_int_equal(await_report(&kept.keeper, KEEPER_SERVER_ENDED).status, SIGTERM);
    await_report(&kept.keeper, KEEPER_ENDED);
    finish(&kept);
}

static void the_keeper_outlives_signals(void **state)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP};
    struct kept kept;

    (void)state;
    start_and_go(&kept, "signals");
    read_until(kept.below, "ready");
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        kill(kept.keeper.pid, signals[i]);
    assert_int_equal(keeper_signal(&kept.keeper, SIGUSR1), 0);
    read_until(kept.below, "1");
    assert_int_equal(keeper_kill(&kept.keeper), 0);
    await_end(&kept);
}

static void killing_a_fork_bomb_leaves_nothing(void **state)
{
    struct kept kept;

    (void)state;
    start_and_go(&kept, "bomb");
    read_until(kept.below, "full");
    assert_int_equal(keeper_kill(&kept.keeper), 0);
    await_report(&kept.keeper, KEEPER_SERVER_ENDED);
    await_report(&kept.keeper, KEEPER_ENDED);
    read_until(kept.below, NULL);
    finish(&kept);
}

static void a_supervisor_takes_all_with_it(void **state)
{
    struct kept kept;
    int below_pipe[2], status;
    char number[16];
    char *arguments[] = {(char *)"server", (char *)"sleep", number, NULL};
    pid_t supervisor;

    (void)state;
    assert_int_equal(pipe2(below_pipe, O_CLOEXEC), 0);
    snprintf(number, sizeof number, "%d", below_pipe[1]);
    supervisor = fork();
    if (supervisor == 0) {
        struct keeper_plan plan = plan_for(arguments, below_pipe[1], STDERR_FILENO);

        if (keeper_start(&plan, &kept.keeper) < 0 || keeper_go(&kept.keeper) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    close(below_pipe[1]);
    read_until(below_pipe[0], "ready");
    kill(supervisor, SIGKILL);
    assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
    assert_int_equal(status, SIGKILL);
    assert_string_equal(read_until(below_pipe[0], NULL), "");
    close(below_pipe[0]);
}

static void the_tree_and_its_directory_are_sealed(void **state)
{
    char path[] = "/tmp/keeper-XXXXXX", inside[64];
    struct kept kept;
    struct stat status;

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(inside, sizeof inside, "%s/link", path);
    assert_int_equal(symlink("/etc/passwd", inside), 0);
    start_and_go(&kept, "seal");
    read_until(kept.below, "ready");
    assert_int_equal(keeper_seal(&kept.keeper, &alice, path, NULL), 0);
    assert_int_equal(await_report(&kept.keeper, KEEPER_SEALED).error, 0);
    assert_int_equal(keeper_signal(&kept.keeper, SIGUSR1), 0);
    read_until(kept.below, "1 1001 1");
    await_report(&kept.keeper, KEEPER_SERVER_ENDED);
    await_report(&kept.keeper, KEEPER_ENDED);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, ALICE);
    assert_int_equal(lstat(inside, &status), 0);
    assert_int_equal(status.st_uid, ALICE);
    assert_int_equal(stat("/etc/passwd", &status), 0);
    assert_int_equal(status.st_uid, 0);
    unlink(inside);
    rmdir(path);
    finish(&kept);
}

static void a_tree_that_cannot_be_sealed_is_ended(void **state)
{
    struct kept kept;

    (void)state;
    start_and_go(&kept, "powerless");
    read_until(kept.below, "ready");
    assert_int_equal(keeper_seal(&kept.keeper, &alice, NULL, NULL), 0);
    assert_int_equal(await_report(&kept.keeper, KEEPER_SEALED).error, -EPERM);
    assert_int_equal(await_report(&kept.keeper, KEEPER_SERVER_ENDED).status, SIGKILL);
    await_report(&kept.keeper, KEEPER_ENDED);
    assert_string_equal(read_until(kept.below, NULL), "");
    finish(&kept);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_stays_owned),
        cmocka_unit_test(signals_reach_the_server),
        cmocka_unit_test(the_keeper_outlives_signals),
        cmocka_unit_test(killing_a_fork_bomb_leaves_nothing),
        cmocka_unit_test(a_supervisor_takes_all_with_it),
        cmocka_unit_test(the_tree_and_its_directory_are_sealed),
        cmocka_unit_test(a_tree_that_cannot_be_sealed_is_ended),
    };

    if (argc == 3)
        return serve(argv[1], atoi(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
