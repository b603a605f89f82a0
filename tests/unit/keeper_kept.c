#include "keeper_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

const char *read_until(int descriptor, const char *text)
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

struct keeper_report await_report(const struct keeper *keeper, enum keeper_report_kind kind)
{
    struct pollfd set = {keeper->socket, POLLIN, 0};
    struct keeper_report report;

    assert_int_equal(poll(&set, 1, PATIENCE_MS), 1);
    assert_int_equal(keeper_receive(keeper, &report), 0);
    assert_int_equal(report.kind, kind);
    return report;
}

struct keeper_plan plan_for(char *const arguments[], int given, int log)
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

void start(struct kept *kept, const char *role)
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

void start_and_go(struct kept *kept, const char *role)
{
    start(kept, role);
    assert_int_equal(keeper_go(&kept->keeper), 0);
}

void finish(struct kept *kept)
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

void await_end(struct kept *kept)
{
    await_report(&kept->keeper, KEEPER_SERVER_ENDED);
    await_report(&kept->keeper, KEEPER_ENDED);
    finish(kept);
}
