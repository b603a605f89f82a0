/*
 * test_resolver_process.c: what stands beside the server has no rights, and stays. Runs in
 * tests/world.
 */
#include "resolver_asked.h"

#include "credentials/helper.h"
#include "resolver_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

/* In a child: becomes the helper and looks from there. Exits 0, or with what failed. */
static _Noreturn void look_as_helper(void)
{
    gid_t groups[8] = {1, 2, 3};
    struct answer answer;
    uid_t uids[3];
    char line[256];
    FILE *status;

    if (credentials_become_helper(NOBODYS, NOBODYS, 1ULL << CAP_KILL) < 0)
        _exit(1);
    getresuid(&uids[0], &uids[1], &uids[2]);
    if (uids[0] != NOBODYS || uids[1] != NOBODYS || uids[2] != NOBODYS || getgroups(8, groups))
        _exit(2);
    if (setuid(0) == 0 || open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0)
        _exit(3);
    if (resolve(ALICE, &answer) == 0 || answer.verdict != ACCOUNT_SERVED ||
        answer.account.group_count < 2)
        _exit(4);
    if (kill(getppid(), 0) < 0 || credentials_helper_finish() < 0 || kill(getppid(), 0) == 0)
        _exit(5);
    status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status)) {
        if ((!strncmp(line, "CapPrm:", 7) || !strncmp(line, "CapEff:", 7)) &&
            strtoull(line + 7, NULL, 16) != 0)
            _exit(6);
    }
    _exit(status ? 0 : 7);
}

static void without_rights_it_still_knows_the_accounts(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0)
        look_as_helper();
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void ids_of_somebody_are_no_helpers(void **state)
{
    (void)state;
    assert_int_equal(credentials_become_helper(0, NOBODYS, 0), -EINVAL);
    assert_int_equal(credentials_become_helper(NOBODYS, 0, 0), -EINVAL);
    assert_int_equal(credentials_become_helper((uid_t)-1, NOBODYS, 0), -EINVAL);
    assert_int_equal(credentials_become_helper(NOBODYS, (gid_t)-1, 0), -EINVAL);
    assert_int_equal(getuid(), 0);
}

/* Who answers on `channel`, as the kernel says. */
static pid_t greet(int channel, struct settings *settings)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {settings, sizeof *settings};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    struct request request = question(REQUEST_GREETING, 0);
    struct ucred sender = {.pid = -1};
    int pair[2], on = 1;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    send_with(channel, &request, sizeof request, &pair[1], 1);
    close(pair[1]);
    assert_int_equal(recvmsg(pair[0], &message, 0), sizeof *settings);
    assert_non_null(CMSG_FIRSTHDR(&message));
    memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof sender);
    close(pair[0]);
    return sender.pid;
}

static bool has_line(pid_t pid, const char *wanted)
{
    char path[64], line[256];
    FILE *status;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    status = fopen(path, "re");
    assert_non_null(status);
    while (!found && fgets(line, sizeof line, status))
        found = strcmp(line, wanted) == 0;
    fclose(status);
    return found;
}

static unsigned descriptors_of(pid_t pid, const char *not_these)
{
    char path[64], name[512], target[256];
    unsigned found = 0;
    struct dirent *entry;
    DIR *directory;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        ssize_t length;

        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        length = readlink(name, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        found += strcmp(target, not_these) == 0;
    }
    closedir(directory);
    return found;
}

static bool is_logged(const char *wanted)
{
    char text[4096] = "";
    int file = open(resolver_log, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(file, text, sizeof text - 1);

    close(file);
    return size > 0 && strstr(text, wanted);
}

/* In a child: what waits for clients in an epoll set, and is killed before it is answered. */
static _Noreturn void ask_and_end(const struct resolver_plan *plan, int told)
{
    struct request request = question(REQUEST_SERVES, 0);
    int channel = -1, tie = -1, reply[2];
    struct settings settings;
    char message[256];
    pid_t pid;

    if (resolver_start(plan, &channel, &tie, message, sizeof message) < 0)
        _exit(1);
    pid = greet(channel, &settings);
    kill(pid, SIGSTOP); /* it waits in the kernel, and comes out of it to stop */
    request.socket.by_epoll = true;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reply) < 0)
        _exit(2);
    send_with(channel, &request, sizeof request, &reply[1], 1);
    if (write(told, &pid, sizeof pid) != sizeof pid)
        _exit(3);
    kill(getpid(), SIGKILL);
    _exit(4);
}

/* Nobody is left who could be the first instance: the server is not started anew behind his back.
 */
static void who_was_killed_while_it_asked_is_not_started_again(void **state)
{
    char path[128], program[] = "/bin/mkdir", *arguments[] = {program, path, NULL};
    struct supervisor_plan instances = {.policy = (struct policy *)resolver.policy,
        .log = resolver.log,
        .settings = resolver.settings,
        .library = "/none",
        .program = program,
        .arguments = arguments,
        .environment = environ,
        .max_instances = 1,
        .inherited = {-1},
        .descriptors = {1024, 1024},
        .notify_inner = -1};
    struct resolver_plan plan = {.policy = resolver.policy,
        .log = resolver.log,
        .settings = resolver.settings,
        .library = "/none",
        .instances = &instances};
    struct pollfd resolver_process = {.events = POLLIN}, end = {.events = POLLIN};
    int told[2], status;
    pid_t child, pid;

    (void)state;
    snprintf(path, sizeof path, "%s/started", getenv("TMPDIR"));
    plan.settings.isolation = ISOLATION_UNDECIDED;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    child = fork();
    if (child == 0)
        ask_and_end(&plan, told[1]);
    assert_int_equal(read(told[0], &pid, sizeof pid), sizeof pid);
    end.fd = pidfd_open(child, 0); /* waitid(2) would wait for its tracer, which stands still */
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    close(end.fd);
    resolver_process.fd = pidfd_open(pid, 0);
    kill(pid, SIGCONT);
    assert_int_equal(poll(&resolver_process, 1, PATIENCE_MS), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(resolver_process.fd);
    close(told[0]);
    close(told[1]);
    assert_int_equal(rmdir(path), -1);
    assert_int_equal(errno, ENOENT);
    assert_true(is_logged("has ended"));
}

/*
 * The process: our own child (this test) plays the server, executes nothing, and looks at what
 * stands beside it.
 */
static void the_process_holds_nothing_and_heeds_no_signal(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    struct resolver_plan plan = {.policy = resolver.policy,
        .log = resolver.log,
        .settings = resolver.settings,
        .library = "/none",
        .helper = NOBODYS};
    int channel = -1, tie = -1, listener[2];
    struct pollfd resolver_process = {.events = POLLIN};
    struct settings settings;
    char message[256], listening[64];
    pid_t pid;

    (void)state;
    assert_int_equal(pipe2(listener, 0), 0);
    snprintf(message, sizeof message, "/proc/self/fd/%d", listener[0]);
    listening[readlink(message, listening, sizeof listening - 1)] = '\0';
    assert_int_equal(resolver_start(&plan, &channel, &tie, message, sizeof message), 0);
    pid = greet(channel, &settings);
    assert_int_equal(settings.guard_uid, NOBODYS);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        assert_int_equal(kill(pid, signals[i]), 0);
    assert_int_equal(greet(channel, &settings), pid);
    assert_true(has_line(pid, "Uid:\t61500\t61500\t61500\t61500\n"));
    assert_true(has_line(pid, "Gid:\t61500\t61500\t61500\t61500\n"));
    assert_true(has_line(pid, "NoNewPrivs:\t1\n"));
    assert_int_equal(descriptors_of(pid, listening), 0);
    assert_int_equal(descriptors_of(pid, "/dev/null"), 3);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* nobody's child that we know of */
    assert_int_equal(errno, ECHILD);
    resolver_process.fd = pidfd_open(pid, 0);
    resolver_stop(channel, tie);
    assert_int_equal(poll(&resolver_process, 1, PATIENCE_MS), 1);
    close(resolver_process.fd);
    close(listener[0]);
    close(listener[1]);
    assert_true(has_line(getpid(), "TracerPid:\t0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESOLVER_TEST(without_rights_it_still_knows_the_accounts),
        RESOLVER_TEST(ids_of_somebody_are_no_helpers),
        RESOLVER_TEST(who_was_killed_while_it_asked_is_not_started_again),
        RESOLVER_TEST(the_process_holds_nothing_and_heeds_no_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
