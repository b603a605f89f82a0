/*
 * test_keeper.c: the parent of one instance. Runs in tests/world; the servers are this program
 * itself, by another first argument. All of a server's processes hold the writing end of a pipe
 * (`below`): at its end nothing of the server is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "keeper.h"
#include "process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 1001, STRANGER = 1004, STAFF = 2001, PATIENCE_MS = 20000, MOST_PROCESSES = 200 };

static const struct account alice = {
    .uid = ALICE, .gid = ALICE, .group_count = 2, .groups = {ALICE, STAFF}};

/* ---- servers --------------------------------------------------------------------------------- */

static int below; /* in a server: what it was given to tell the test by */

static void say(const char *text)
{
    if (write(below, text, strlen(text)) < 0)
        _exit(99);
}

static void serve_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    char text[16];

    while ((entry = readdir(directory))) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory)) {
            snprintf(text, sizeof text, "%d ", atoi(entry->d_name));
            say(text);
        }
    }
}

static void serve_stderr(void)
{
    static const char text[] = "first\n\nthe \x1b[1mlast\n\n";

    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(99);
    _exit(3);
}

static void serve_state(void)
{
    sigset_t mask;
    struct rlimit limit;
    struct sigaction hup, term;
    char text[128];

    sigprocmask(SIG_SETMASK, NULL, &mask);
    getrlimit(RLIMIT_NOFILE, &limit);
    sigaction(SIGHUP, NULL, &hup);
    sigaction(SIGTERM, NULL, &term);
    snprintf(text, sizeof text, "%d %d %d %d %d %d", sigismember(&mask, SIGUSR2),
        sigismember(&mask, SIGCHLD), hup.sa_handler == SIG_IGN, term.sa_handler == SIG_DFL,
        (int)limit.rlim_cur, getpgid(0) == getpid());
    say(text);
}

static void serve_daemon(void)
{
    if (fork() != 0)
        _exit(7);
    setsid();
    if (fork() != 0)
        _exit(0);
    while (getppid() == 1)
        ; /* never: it is the keeper's */
    say("daemon");
    pause();
}

static void on_signal(int number)
{
    say(number == SIGUSR1 ? "1" : "2");
}

static void serve_signals(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    say("ready");
    for (;;)
        pause();
}

/* Each child forks on; who may not says so, once. */
static void serve_bomb(void)
{
    static const struct rlimit limit = {MOST_PROCESSES, MOST_PROCESSES};

    if (setrlimit(RLIMIT_NPROC, &limit) < 0 || setgid(STRANGER) < 0 || setuid(STRANGER) < 0)
        _exit(99);
    for (bool said = false;;) {
        pid_t child = fork();

        if (child < 0 && !said) {
            said = true;
            say("full");
        }
        if (child == 0 && fork() > 0)
            _exit(0); /* and leave an orphan */
    }
}

static void serve_sleep(void)
{
    say("ready");
    for (;;)
        pause();
}

static void serve_powerless(void)
{
    if (setuid(STRANGER) < 0)
        _exit(99);
    serve_sleep();
}

static void serve_seal(void)
{
    char text[64];
    int error_output;

    signal(SIGUSR1, on_signal);
    say("ready");
    pause();
    error_output = open("/dev/stderr", O_WRONLY);
    snprintf(text, sizeof text, " %d %d", (int)getuid(), error_output >= 0);
    say(text);
}

static int serve(const char *role)
{
    static const struct {
        const char *role;
        void (*serve)(void);
    } servers[] = {{"descriptors", serve_descriptors}, {"stderr", serve_stderr},
        {"state", serve_state}, {"daemon", serve_daemon}, {"signals", serve_signals},
        {"bomb", serve_bomb}, {"sleep", serve_sleep}, {"powerless", serve_powerless},
        {"seal", serve_seal}};

    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        if (strcmp(role, servers[i].role) == 0)
            servers[i].serve();
    }
    return 0;
}

/* ---- what the tests use ---------------------------------------------------------------------- */

struct kept {
    struct keeper keeper;
    int below;        /* the reading end */
    int error_output; /* what the keeper writes to the log */
    int given;        /* the number that the server has */
};

/* Reads until `text` is there, or until the end if it is NULL. Returns what was read, static. */
static const char *read_until(int descriptor, const char *text)
{
    static char read_text[4096];
    size_t length = 0;
    ssize_t size;

    do {
        struct pollfd set = {descriptor, POLLIN, 0};

        read_text[length] = '\0';
        if (text && strstr(read_text, text))
            return read_text;
        assert_int_equal(poll(&set, 1, PATIENCE_MS), 1);
        size = read(descriptor, read_text + length, sizeof read_text - 1 - length);
        assert_true(size >= 0);
        length += (size_t)size;
    } while (size > 0);
    read_text[length] = '\0';
    if (text)
        assert_string_equal(read_text, text);
    return read_text;
}

static struct keeper_report await_report(const struct keeper *keeper, enum keeper_report_kind kind)
{
    struct pollfd set = {keeper->socket, POLLIN, 0};
    struct keeper_report report;

    assert_int_equal(poll(&set, 1, PATIENCE_MS), 1);
    assert_int_equal(keeper_receive(keeper, &report), 0);
    assert_int_equal(report.kind, kind);
    return report;
}

static struct keeper_plan plan_for(char *const arguments[], int given, int log)
{
    static char *environment[] = {NULL};
    struct keeper_plan plan = {.program = "/proc/self/exe",
        .arguments = arguments,
        .environment = environment,
        .inherited = {given, -1},
        .output = STDOUT_FILENO,
        .log = log,
        .descriptors = {200, 300},
        .ignored = 1ULL << (SIGHUP - 1)};

    sigemptyset(&plan.mask);
    sigaddset(&plan.mask, SIGUSR2);
    return plan;
}

static void start(struct kept *kept, const char *role)
{
    char number[16];
    char *arguments[] = {(char *)"server", (char *)role, number, NULL};
    struct keeper_plan plan;
    int below_pipe[2], log_pipe[2];

    assert_int_equal(pipe2(below_pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(log_pipe, O_CLOEXEC), 0);
    snprintf(number, sizeof number, "%d", below_pipe[1]);
    plan = plan_for(arguments, below_pipe[1], log_pipe[1]);
    if (strcmp(role, "signals") == 0)
        sigemptyset(&plan.mask);
    if (strcmp(role, "none") == 0)
        plan.program = "/nowhere/server";
    assert_int_equal(keeper_start(&plan, &kept->keeper), 0);
    kept->given = below_pipe[1];
    close(below_pipe[1]);
    close(log_pipe[1]);
    kept->below = below_pipe[0];
    kept->error_output = log_pipe[0];
}

static void start_and_go(struct kept *kept, const char *role)
{
    start(kept, role);
    assert_int_equal(keeper_go(&kept->keeper), 0);
}

/* After KEEPER_ENDED. */
static void finish(struct kept *kept)
{
    struct pollfd set = {kept->keeper.socket, POLLIN, 0};
    struct keeper_report report;
    int status;

    assert_int_equal(poll(&set, 1, PATIENCE_MS), 1);
    assert_int_equal(keeper_receive(&kept->keeper, &report), -ECONNRESET);
    assert_int_equal(waitpid(kept->keeper.pid, &status, 0), kept->keeper.pid);
    assert_int_equal(status, 0);
    assert_int_equal(keeper_go(&kept->keeper), -EPIPE);
    close(kept->keeper.socket);
    close(kept->below);
    close(kept->error_output);
}

static pid_t parent_of(pid_t pid)
{
    struct process_state state;

    assert_int_equal(process_state(pid, pid, &state), 0);
    return state.parent;
}

/* ---- tests ----------------------------------------------------------------------------------- */

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
    await_report(&kept.keeper, KEEPER_SERVER_ENDED);
    await_report(&kept.keeper, KEEPER_ENDED);
    finish(&kept);
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
    await_report(&kept.keeper, KEEPER_SERVER_ENDED);
    await_report(&kept.keeper, KEEPER_ENDED);
    finish(&kept);
}

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
    await_report(&kept.keeper, KEEPER_SERVER_ENDED);
    await_report(&kept.keeper, KEEPER_ENDED);
    finish(&kept);
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
        cmocka_unit_test(the_server_waits_for_go),
        cmocka_unit_test(what_waits_for_go_can_be_ended),
        cmocka_unit_test(a_program_that_is_not_there_is_reported),
        cmocka_unit_test(status_and_last_line_are_reported),
        cmocka_unit_test(a_log_that_nobody_reads_stops_nobody),
        cmocka_unit_test(the_server_has_its_descriptors_and_no_other),
        cmocka_unit_test(a_descriptor_that_is_not_open_is_refused),
        cmocka_unit_test(the_server_begins_as_planned),
        cmocka_unit_test(a_daemon_stays_owned),
        cmocka_unit_test(signals_reach_the_server),
        cmocka_unit_test(the_keeper_outlives_signals),
        cmocka_unit_test(killing_a_fork_bomb_leaves_nothing),
        cmocka_unit_test(a_supervisor_takes_all_with_it),
        cmocka_unit_test(the_tree_and_its_directory_are_sealed),
        cmocka_unit_test(a_tree_that_cannot_be_sealed_is_ended),
    };

    if (argc == 3) {
        below = atoi(argv[2]);
        return serve(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
