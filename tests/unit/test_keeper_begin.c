/* test_keeper_begin.c: how a keeper starts a server, and what is reported. Runs in tests/world. */
#include "keeper_kept.h"

#include "cleanup.h"
#include "process_tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t parent_of(pid_t pid)
{
    struct process_state state;

    assert_int_equal(process_state(pid, pid, &state), 0);
    return state.parent;
}

static void the_server_waits_for_go(void **state)
{
    struct kept kept;
    char path[64], program[256], own[256];
    ssize_t size, own_size;

    (void)state;
    start(&kept, "sleep");
    assert_int_equal(parent_of(kept.keeper.server), kept.keeper.pid);
    assert_int_equal(parent_of(kept.keeper.pid), getpid());
    assert_int_equal(keeper_go(&kept.keeper), 0);
    read_until(kept.below, "ready");
    snprintf(path, sizeof path, "/proc/%d/exe", (int)kept.keeper.server);
    size = readlink(path, program, sizeof program);
    own_size = readlink("/proc/self/exe", own, sizeof own);
    assert_true(size > 0 && size == own_size && memcmp(program, own, (size_t)size) == 0);
    assert_int_equal(keeper_kill(&kept.keeper), 0);
    assert_int_equal(await_report(&kept.keeper, KEEPER_SERVER_ENDED).status, SIGKILL);
    assert_int_equal(await_report(&kept.keeper, KEEPER_ENDED).status, SIGKILL);
    assert_string_equal(read_until(kept.below, NULL), "");
    finish(&kept);
}

static void what_waits_for_go_can_be_ended(void **state)
{
    struct kept kept;

    (void)state;
    start(&kept, "sleep");
    assert_int_equal(keeper_kill(&kept.keeper), 0);
    await_report(&kept.keeper, KEEPER_SERVER_ENDED);
    await_report(&kept.keeper, KEEPER_ENDED);
    assert_string_equal(read_until(kept.below, NULL), "");
    finish(&kept);
}

static void a_program_that_is_not_there_is_reported(void **state)
{
    struct kept kept;

    (void)state;
    start_and_go(&kept, "none");
    assert_int_equal(await_report(&kept.keeper, KEEPER_NOT_EXECUTED).error, -ENOENT);
    assert_int_equal(WEXITSTATUS(await_report(&kept.keeper, KEEPER_ENDED).status), 127);
    finish(&kept);
}

static void status_and_last_line_are_reported(void **state)
{
    struct kept kept;
    struct keeper_report report;

    (void)state;
    start_and_go(&kept, "stderr");
    assert_int_equal(WEXITSTATUS(await_report(&kept.keeper, KEEPER_SERVER_ENDED).status), 3);
    report = await_report(&kept.keeper, KEEPER_ENDED);
    assert_int_equal(WEXITSTATUS(report.status), 3);
    assert_string_equal(report.text, "the ?[1mlast");
    assert_string_equal(read_until(kept.error_output, NULL), "first\n\nthe \x1b[1mlast\n\n");
    finish(&kept);
}

static void a_log_that_nobody_reads_stops_nobody(void **state)
{
    char *arguments[] = {(char *)"server", (char *)"stderr", (char *)"1", NULL};
    struct keeper keeper;
    struct keeper_plan plan;
    int log_pipe[2];
    char byte = 0;

    (void)state;
    assert_int_equal(pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(log_pipe[1], &byte, 1) == 1)
        ;
    assert_int_equal(fcntl(log_pipe[1], F_SETFL, 0), 0);
    plan = plan_for(arguments, 1, log_pipe[1]);
    assert_int_equal(keeper_start(&plan, &keeper), 0);
    assert_int_equal(keeper_go(&keeper), 0);
    await_report(&keeper, KEEPER_SERVER_ENDED);
    assert_string_equal(await_report(&keeper, KEEPER_ENDED).text, "the ?[1mlast");
    waitpid(keeper.pid, NULL, 0);
    close(keeper.socket);
    close(log_pipe[0]);
    close(log_pipe[1]);
}

static void the_server_has_its_descriptors_and_no_other(void **state)
{
    cleanup_descriptor int leaked = open("/dev/null", O_RDONLY);
    struct kept kept;
    char wanted[32];

    (void)state;
    assert_true(leaked >= 0);
    start_and_go(&kept, "descriptors");
    snprintf(wanted, sizeof wanted, "0 1 2 %d ", kept.given);
    assert_string_equal(read_until(kept.below, NULL), wanted);
    await_end(&kept);
}

static void a_descriptor_that_is_not_open_is_refused(void **state)
{
    char *arguments[] = {(char *)"server", NULL};
    struct keeper_plan plan = plan_for(arguments, 150, STDERR_FILENO);
    struct keeper keeper;

    (void)state;
    assert_int_equal(keeper_start(&plan, &keeper), -EBADF);
}

static void the_server_begins_as_planned(void **state)
{
    struct kept kept;
    sigset_t child, before;

    (void)state;
    signal(SIGTERM, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    start_and_go(&kept, "state");
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGTERM, SIG_DFL);
    assert_string_equal(read_until(kept.below, NULL), "1 0 1 1 200 1");
    await_end(&kept);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_waits_for_go),
        cmocka_unit_test(what_waits_for_go_can_be_ended),
        cmocka_unit_test(a_program_that_is_not_there_is_reported),
        cmocka_unit_test(status_and_last_line_are_reported),
        cmocka_unit_test(a_log_that_nobody_reads_stops_nobody),
        cmocka_unit_test(the_server_has_its_descriptors_and_no_other),
        cmocka_unit_test(a_descriptor_that_is_not_open_is_refused),
        cmocka_unit_test(the_server_begins_as_planned),
    };

    if (argc == 3)
        return serve(argv[1], atoi(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
