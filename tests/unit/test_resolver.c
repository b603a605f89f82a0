/* resolver.c, resolver_process.c: answers, and what is no question. Runs in tests/world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "credentials/helper.h"
#include "resolver.h"
#include "resolver_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 1001, BOB = 1002, STAFF = 2001, NOBODYS = 61500 };

static struct resolver resolver;
static int client = -1;     /* the server's end of the channel */
static char log_path[4096]; /* in the world's own directory */

static int set_up(void **state)
{
    int ends[2];
    struct policy *policy = policy_new(PROTECT_SCOPES);
    char message[256];

    (void)state;
    if (!policy || policy_deny(policy, "bob", message, sizeof message) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    client = ends[0];
    resolver = (struct resolver){.policy = policy, .channel = ends[1], .server = getpid()};
    resolver.settings = (struct settings){.magic = PROTOCOL_MAGIC, .guard_uid = NOBODYS};
    if (event_log_open(EVENT_TO_FILE, log_path, EVENT_AS_TEXT, true, &resolver.log) < 0)
        return -1;
    return resolver_prepare_channel(resolver.channel);
}

static int tear_down(void **state)
{
    (void)state;
    event_log_close(resolver.log);
    policy_free((struct policy *)resolver.policy);
    close(resolver.channel);
    if (client >= 0)
        close(client);
    unlink(log_path);
    return 0;
}

static unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Sends `size` bytes with `count` descriptors. */
static void send_with(int channel, const void *bytes, size_t size, const int fds[], size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (count > 0) {
        struct cmsghdr *rights = (struct cmsghdr *)control;

        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(channel, &message, MSG_DONTWAIT), (ssize_t)size);
}

static struct request question(enum request_kind kind, uid_t uid)
{
    return (struct request){.magic = PROTOCOL_MAGIC,
        .kind = kind,
        .event = EVENT_REFUSED,
        .verdict = ACCOUNT_DENIED,
        .peer = {.kind = IDENTITY_USER, .source = IDENTITY_SOURCE_PEERCRED, .uid = uid}};
}

/* Sends `request` with a reply socket, lets the resolver work, returns the answer's size or 0. */
static ssize_t ask(const struct request *request, size_t request_size, void *answer, size_t size)
{
    int pair[2];
    ssize_t received;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    send_with(client, request, request_size, &pair[1], 1);
    close(pair[1]);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    received = recv(pair[0], answer, size, MSG_DONTWAIT);
    close(pair[0]);
    return received < 0 ? 0 : received;
}

static ssize_t resolve(uid_t uid, struct answer *answer)
{
    struct request request = question(REQUEST_RESOLVE, uid);

    memset(answer, 0, sizeof *answer);
    return ask(&request, sizeof request, answer, sizeof *answer);
}

static void a_greeting_is_answered_with_the_settings(void **state)
{
    struct request request = question(REQUEST_GREETING, 0);
    struct settings settings;
    unsigned before = open_descriptors();

    (void)state;
    assert_int_equal(ask(&request, sizeof request, &settings, sizeof settings), sizeof settings);
    assert_int_equal(settings.guard_uid, NOBODYS);
    assert_true(resolver.greeted);
    assert_int_equal(open_descriptors(), before);
}

/* The pid that counts is the kernel's, and it must be the server's own. */
static void a_child_does_not_greet_for_the_server(void **state)
{
    pid_t child = fork();
    int status = 1;

    (void)state;
    if (child == 0) {
        struct request request = question(REQUEST_GREETING, 0);
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
            _exit(1);
        send_with(client, &request, sizeof request, pair, 1);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    resolver_receive(&resolver);
    assert_false(resolver.greeted);
}

static void an_account_comes_whole_and_no_longer_than_it_is(void **state)
{
    struct answer answer;
    ssize_t size = resolve(ALICE, &answer);
    bool staff = false;

    (void)state;
    assert_int_equal(answer.verdict, ACCOUNT_SERVED);
    assert_true(answer.as_itself);
    assert_int_equal(answer.account.uid, ALICE);
    assert_int_equal(answer.account.gid, ALICE);
    assert_int_equal(
        size, offsetof(struct answer, account.groups) + answer.account.group_count * sizeof(gid_t));
    for (unsigned i = 0; i < answer.account.group_count; i++)
        staff = staff || answer.account.groups[i] == STAFF;
    assert_true(staff);
}

static void refusals_hold_no_account(void **state)
{
    static const struct {
        uid_t uid;
        enum account_verdict verdict;
    } cases[] = {{BOB, ACCOUNT_DENIED}, {0, ACCOUNT_ROOT}, {4242, ACCOUNT_UNKNOWN},
        {65534, ACCOUNT_RESERVED_ID}, {(uid_t)-1, ACCOUNT_RESERVED_ID}};
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(resolve(cases[i].uid, &answer), offsetof(struct answer, account.groups));
        assert_int_equal(answer.magic, PROTOCOL_MAGIC);
        assert_int_equal(answer.verdict, cases[i].verdict);
        assert_int_equal(answer.account.group_count, 0);
    }
}

static void what_is_no_request_is_dropped(void **state)
{
    struct request request = question(REQUEST_RESOLVE, ALICE);
    struct request wrong_magic = request, wrong_kind = request, wrong_identity = request;
    char longer[sizeof request + 1] = {0}, reply[sizeof(struct answer)];
    unsigned before = open_descriptors();
    struct answer answer;

    (void)state;
    wrong_magic.magic++;
    wrong_kind.kind = 77;
    wrong_identity.peer.kind = (enum identity_kind)1000;
    memcpy(longer, &request, sizeof request);
    assert_int_equal(ask(&wrong_magic, sizeof request, reply, sizeof reply), 0);
    assert_int_equal(ask(&wrong_kind, sizeof request, reply, sizeof reply), 0);
    assert_int_equal(ask(&wrong_identity, sizeof request, reply, sizeof reply), 0);
    assert_int_equal(ask(&request, sizeof request - 1, reply, sizeof reply), 0);
    assert_int_equal(ask(&request, 1, reply, sizeof reply), 0);
    assert_int_equal(ask(&request, 0, reply, sizeof reply), 0);
    assert_int_equal(ask((struct request *)longer, sizeof longer, reply, sizeof reply), 0);
    assert_int_equal(open_descriptors(), before);
    assert_true(resolve(ALICE, &answer) > 0);
}

static void the_number_of_descriptors_must_be_right(void **state)
{
    struct request request = question(REQUEST_RESOLVE, ALICE);
    struct request event = question(REQUEST_EVENT, ALICE);
    unsigned before = open_descriptors();
    struct answer answer;
    int many[8], pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    for (int i = 0; i < 8; i++)
        many[i] = pair[1];
    send_with(client, &request, sizeof request, many, 0);
    send_with(client, &request, sizeof request, many, 2);
    send_with(client, &request, sizeof request, many, 8); /* more than are looked at */
    send_with(client, &event, sizeof event, many, 1);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    assert_int_equal(recv(pair[0], &answer, sizeof answer, MSG_DONTWAIT), -1);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(open_descriptors(), before);
    assert_true(resolve(ALICE, &answer) > 0);
}

static void events_out_of_range_are_no_events(void **state)
{
    struct request requests[] = {question(REQUEST_EVENT, ALICE), question(REQUEST_EVENT, ALICE),
        question(REQUEST_EVENT, ALICE), question(REQUEST_EVENT, ALICE)};
    int file = open(log_path, O_RDONLY | O_CLOEXEC);
    char byte;

    (void)state;
    requests[0].event = 0;
    requests[1].event = 1000;
    requests[2].verdict = 1000;
    requests[3].peer.reason = (enum identity_reason)1000;
    for (int i = 0; i < 4; i++)
        send_with(client, &requests[i], sizeof requests[i], NULL, 0);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    assert_int_equal(read(file, &byte, 1), 0);
    requests[0] = question(REQUEST_EVENT, BOB);
    send_with(client, &requests[0], sizeof requests[0], NULL, 0);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    assert_int_equal(read(file, &byte, 1), 1);
    close(file);
}

/* Bytes of every kind, from a generator that begins the same each time. */
static void noise_neither_ends_nor_fills_it(void **state)
{
    unsigned before = open_descriptors();
    struct answer answer;
    unsigned random = 1;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct request request = question(REQUEST_RESOLVE, ALICE);
        unsigned char *bytes = (unsigned char *)&request;
        int fds[8];

        for (int j = 0; j < 8; j++) {
            random = random * 1103515245 + 12345;
            bytes[(random >> 8) % sizeof request] = (unsigned char)(random >> 24);
            fds[j] = STDERR_FILENO;
        }
        send_with(client, &request, random % 7 ? sizeof request : random % sizeof request, fds,
            random >> 29);
        assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    }
    assert_int_equal(open_descriptors(), before);
    assert_true(resolve(ALICE, &answer) > 0);
}

static void a_reply_that_nobody_takes_keeps_nobody_waiting(void **state)
{
    struct request request = question(REQUEST_RESOLVE, ALICE);
    struct answer answer;
    int pair[2], pipe_ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    alarm(20);
    for (int i = 0; i < 500; i++) { /* full */
        send_with(client, &request, sizeof request, &pair[1], 1);
        assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    }
    close(pair[0]); /* closed */
    send_with(client, &request, sizeof request, &pair[1], 1);
    send_with(client, &request, sizeof request, &pipe_ends[0], 1); /* no socket */
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    alarm(0);
    close(pair[1]);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    assert_true(resolve(ALICE, &answer) > 0);
}

static void it_ends_with_the_last_holder_of_the_channel(void **state)
{
    int other = dup(client);

    (void)state;
    close(client);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    close(other);
    client = -1;
    assert_int_equal(resolver_receive(&resolver), RESOLVER_ENDED);
}

/* In a child: becomes the helper and looks from there. Exits 0, or with the number of what failed.
 */
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
    alarm(20);
    resolver_stop(channel, tie);
    while (kill(pid, 0) == 0)
        sched_yield();
    close(listener[0]);
    close(listener[1]);
    assert_true(has_line(getpid(), "TracerPid:\t0\n"));
    alarm(0);
}

int main(void)
{
    const char *directory = getenv("TMPDIR");
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_greeting_is_answered_with_the_settings),
        TEST(a_child_does_not_greet_for_the_server),
        TEST(an_account_comes_whole_and_no_longer_than_it_is),
        TEST(refusals_hold_no_account),
        TEST(what_is_no_request_is_dropped),
        TEST(the_number_of_descriptors_must_be_right),
        TEST(events_out_of_range_are_no_events),
        TEST(noise_neither_ends_nor_fills_it),
        TEST(a_reply_that_nobody_takes_keeps_nobody_waiting),
        TEST(it_ends_with_the_last_holder_of_the_channel),
        TEST(without_rights_it_still_knows_the_accounts),
        TEST(ids_of_somebody_are_no_helpers),
        TEST(the_process_holds_nothing_and_heeds_no_signal),
    };

    snprintf(log_path, sizeof log_path, "%s/resolver-log", directory ? directory : "/tmp");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
