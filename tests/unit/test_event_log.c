/* event_log.c and what it is made of: one line an event, whatever is in it. Runs in tests/world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "event_flood.h"
#include "event_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 1001, BOB = 1002 };

static struct policy *policy;
static char path[4096]; /* in the world's own directory */

static struct identity_endpoint loopback(in_port_t port)
{
    struct identity_endpoint end = {.family = AF_INET, .port = port};

    inet_pton(AF_INET6, "::ffff:127.0.0.1", &end.address);
    return end;
}

static struct request event(enum event_kind kind, enum account_verdict verdict, uid_t uid)
{
    return (struct request){.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = kind,
        .verdict = verdict,
        .account_uid = (uid_t)-1,
        .peer = {.kind = IDENTITY_USER,
            .source = IDENTITY_SOURCE_SOCK_DIAG,
            .uid = uid,
            .local = loopback(8000),
            .peer = loopback(40312)}};
}

static struct event_log *open_log(enum event_format format, bool verbose)
{
    struct event_log *log = NULL;

    unlink(path);
    assert_int_equal(event_log_open(EVENT_TO_FILE, path, format, verbose, &log), 0);
    return log;
}

/* What the log holds, to be freed. */
static char *contents(void)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    assert_non_null(file);
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    fclose(file);
    return text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;

    for (const char *at = text; (at = strstr(at, part)); at++)
        found++;
    return found;
}

/* Reports one event to a log of its own and returns the text. */
static char *line_of(const struct request *request, bool verbose)
{
    struct event_log *log = open_log(EVENT_AS_TEXT, verbose);

    event_log_report(log, request, getpid(), policy);
    event_log_close(log);
    return contents();
}

static void a_refusal_names_peer_place_and_rule(void **state)
{
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, BOB);
    cleanup_memory char *line = line_of(&request, false);

    (void)state;
    assert_non_null(strstr(line, "Z wsapeer: refused 127.0.0.1:40312 (uid 1002 bob, by sock_diag) "
                                 "at 127.0.0.1:8000: denied by --deny=bob\n"));
}

static void who_is_nobody_is_told_why(void **state)
{
    struct request request = event(EVENT_REFUSED, ACCOUNT_NO_IDENTITY, (uid_t)-1);
    cleanup_memory char *line = NULL;

    (void)state;
    request.peer.kind = IDENTITY_NONE;
    request.peer.source = IDENTITY_SOURCE_NONE;
    request.peer.reason = IDENTITY_REASON_ORPHAN;
    line = line_of(&request, false);
    assert_non_null(strstr(line, "127.0.0.1:40312 (unidentified) at 127.0.0.1:8000: "));
    assert_non_null(strstr(line, identity_reason_text(IDENTITY_REASON_ORPHAN)));
}

static void a_loop_is_told_its_ways_out(void **state)
{
    struct request request = event(EVENT_EVENT_LOOP, ACCOUNT_SERVED, ALICE);
    cleanup_memory char *line = line_of(&request, false);

    (void)state;
    assert_non_null(strstr(line, "an event loop"));
    assert_non_null(strstr(line, "Ways out: --isolate=account, "));
    assert_non_null(strstr(line, "or --inline, "));
    assert_null(strstr(line, "version"));
}

static void served_is_told_to_those_who_ask(void **state)
{
    struct request request = event(EVENT_SERVED, ACCOUNT_SERVED, ALICE);
    cleanup_memory char *quiet = line_of(&request, false), *verbose = NULL;

    (void)state;
    assert_string_equal(quiet, "");
    request.account_uid = ALICE;
    verbose = line_of(&request, true);
    assert_non_null(strstr(verbose, "served 127.0.0.1:40312 (uid 1001 alice, by sock_diag) at "
                                    "127.0.0.1:8000 as alice\n"));
}

static void a_local_peer_is_its_process(void **state)
{
    struct request request = event(EVENT_REFUSED, ACCOUNT_UNKNOWN, 4242);
    cleanup_memory char *line = NULL;

    (void)state;
    request.peer.source = IDENTITY_SOURCE_PEERCRED;
    request.peer.pid = 77;
    request.peer.local = request.peer.peer = (struct identity_endpoint){.family = AF_UNIX};
    line = line_of(&request, false);
    assert_non_null(strstr(line, "refused pid 77 (uid 4242, by peercred) at a local socket: "));
}

static void observed_says_what_would_be(void **state)
{
    struct request refused = event(EVENT_OBSERVED, ACCOUNT_DENIED, BOB);
    struct request served = event(EVENT_OBSERVED, ACCOUNT_SERVED, ALICE);
    cleanup_memory char *first = line_of(&refused, false), *second = NULL;

    (void)state;
    served.account_uid = ALICE;
    second = line_of(&served, false);
    assert_non_null(strstr(first, ": would be refused: denied by --deny=bob\n"));
    assert_non_null(strstr(second, ": would be served as alice\n"));
}

/* Attack 36: the name of a process, and what came with the message without an end. */
static void escape_sequences_stay_on_their_line(void **state)
{
    struct request request = event(EVENT_SERVER_IDS, ACCOUNT_SERVED, 0);
    cleanup_memory char *line = NULL;
    char name[16];

    (void)state;
    prctl(PR_GET_NAME, name);
    prctl(PR_SET_NAME, "a\nb\033[2J\xff");
    memset(request.detail, '\n', sizeof request.detail);
    line = line_of(&request, false);
    prctl(PR_SET_NAME, name);
    assert_int_equal(count(line, "\n"), 1);
    assert_null(strchr(line, '\033'));
    assert_non_null(strstr(line, "a\\x0ab\\x1b[2J\\xff["));
}

static void every_event_is_one_line(void **state)
{
    (void)state;
    for (int kind = EVENT_SERVED; kind <= EVENT_SWITCH_LOST; kind++) {
        for (int verdict = 0; verdict <= ACCOUNT_NO_INSTANCE; verdict++) {
            struct request request = event(kind, verdict, ALICE);
            cleanup_memory char *line = line_of(&request, true);

            assert_int_equal(count(line, "\n"), 1);
            assert_null(strstr(line, "(null)"));
        }
    }
}

static void json_is_an_object_a_line(void **state)
{
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, BOB);
    struct event_log *log = open_log(EVENT_AS_JSON, false);
    cleanup_memory char *text = NULL;
    json_t *object, *peer;
    char name[16];

    (void)state;
    prctl(PR_GET_NAME, name);
    prctl(PR_SET_NAME, "\xff\n");
    event_log_report(log, &request, getpid(), policy);
    event_log_close(log);
    prctl(PR_SET_NAME, name);
    text = contents();
    assert_int_equal(count(text, "\n"), 1);
    object = json_loads(text, 0, NULL);
    assert_non_null(object);
    peer = json_object_get(object, "peer");
    assert_int_equal(json_integer_value(json_object_get(object, "version")), 1);
    assert_string_equal(json_string_value(json_object_get(object, "event")), "refused");
    assert_string_equal(json_string_value(json_object_get(object, "verdict")), "denied");
    assert_string_equal(json_string_value(json_object_get(object, "rule")), "--deny=bob");
    assert_string_equal(json_string_value(json_object_get(object, "command")), "\\xff\\x0a");
    assert_string_equal(json_string_value(json_object_get(peer, "user")), "bob");
    assert_string_equal(json_string_value(json_object_get(peer, "address")), "127.0.0.1");
    assert_int_equal(json_integer_value(json_object_get(peer, "port")), 40312);
    json_decref(object);
}

static void a_flood_is_counted_and_summed_up_at_the_end(void **state)
{
    struct event_log *log = open_log(EVENT_AS_TEXT, false);
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, BOB);
    struct request other = event(EVENT_REFUSED, ACCOUNT_ROOT, 0);
    cleanup_memory char *text = NULL;

    (void)state;
    for (int i = 0; i < 58; i++) {
        request.peer.peer.port = (in_port_t)(1024 + i);
        event_log_report(log, &request, getpid(), policy);
    }
    event_log_report(log, &other, getpid(), policy);
    assert_in_range(event_log_tick(log), 1, FLOOD_INTERVAL_MS);
    event_log_close(log);
    text = contents();
    assert_int_equal(count(text, "\n"), 3);
    assert_non_null(strstr(text, "refused 127.0.0.1:1024 (uid 1002 bob"));
    assert_non_null(strstr(text, "refused 127.0.0.1 (uid 1002 bob"));
    assert_non_null(strstr(text, "denied by --deny=bob: and 57 more in "));
}

static void a_flood_is_over_after_its_interval(void **state)
{
    static struct flood flood;
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, BOB);
    struct flood_entry entry;

    (void)state;
    assert_false(flood_counts(&flood, &request, 1));
    assert_false(flood_remember(&flood, &request, 1, 1000, &entry));
    assert_true(flood_counts(&flood, &request, 2));
    request.peer.uid = ALICE;
    assert_false(flood_counts(&flood, &request, 1));
    request.peer.uid = BOB;
    assert_int_equal(flood_next(&flood), 1000 + FLOOD_INTERVAL_MS);
    assert_false(flood_take(&flood, 1000 + FLOOD_INTERVAL_MS - 1, &entry));
    assert_true(flood_take(&flood, 1000 + FLOOD_INTERVAL_MS, &entry));
    assert_int_equal(entry.count, 1);
    assert_false(flood_counts(&flood, &request, 1));
    assert_int_equal(flood_next(&flood), -1);
}

static void the_table_is_bounded_and_loses_no_count(void **state)
{
    static struct flood flood;
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, 0);
    struct flood_entry entry = {.count = 0};

    (void)state;
    for (uid_t uid = 0; uid < FLOOD_ENTRIES; uid++) {
        request.peer.uid = uid;
        assert_false(flood_remember(&flood, &request, 1, uid, &entry));
        assert_true(flood_counts(&flood, &request, 1));
    }
    request.peer.uid = FLOOD_ENTRIES;
    assert_true(flood_remember(&flood, &request, 1, FLOOD_ENTRIES, &entry));
    assert_int_equal(entry.first.peer.uid, 0);
    assert_int_equal(entry.count, 1);
}

/* Puts `end` in the place of stderr; gives back what was there. */
static int replace_stderr(int end)
{
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    assert_true(saved >= 0);
    assert_int_equal(dup2(end, STDERR_FILENO), STDERR_FILENO);
    return saved;
}

static void drain(int reader, char *last, size_t size)
{
    ssize_t length;

    while ((length = read(reader, last, size - 1)) > 0)
        last[length] = '\0';
}

/* The reader of stderr has stopped: no call may wait, and what was lost is told when he goes on. */
static void a_reader_who_stopped_keeps_nobody_waiting(int ends[2])
{
    struct request request = event(EVENT_SERVED, ACCOUNT_SERVED, ALICE);
    struct event_log *log = NULL;
    static char last[1 << 20];
    int saved = replace_stderr(ends[1]), opened;

    close(ends[1]);
    opened = event_log_open(EVENT_TO_STDERR, NULL, EVENT_AS_TEXT, true, &log);
    alarm(20);
    for (int i = 0; opened == 0 && i < 5000; i++)
        event_log_report(log, &request, getpid(), policy);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    drain(ends[0], last, sizeof last);
    event_log_report(log, &request, getpid(), policy);
    alarm(0);
    drain(ends[0], last, sizeof last);
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    event_log_close(log);
    close(ends[0]);
    assert_non_null(strstr(last, "lines could not be written and are lost\n"));
    assert_non_null(strstr(last, "served 127.0.0.1:40312"));
}

static void a_full_pipe_keeps_nobody_waiting(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    a_reader_who_stopped_keeps_nobody_waiting(ends);
}

static void a_full_socket_keeps_nobody_waiting(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a_reader_who_stopped_keeps_nobody_waiting(ends);
}

static void the_file_is_not_everybodys(void **state)
{
    struct event_log *log = open_log(EVENT_AS_TEXT, false);
    struct stat status;

    (void)state;
    event_log_close(log);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(
        event_log_open(EVENT_TO_FILE, "/nonexistent/log", EVENT_AS_TEXT, false, &log), -ENOENT);
}

/* In a child, whose /dev is its own: exits with the number of what is wrong, or 0. */
static _Noreturn void talk_to_logger(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, BOB);
    int logger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct event_log *log = NULL;
    char packet[2048] = "";

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/dev", "tmpfs", 0, NULL) < 0)
        _exit(1);
    if (event_log_open(EVENT_TO_SYSLOG, NULL, EVENT_AS_TEXT, false, &log) != -ENOENT ||
        bind(logger, (struct sockaddr *)&address, sizeof address) < 0 ||
        event_log_open(EVENT_TO_SYSLOG, NULL, EVENT_AS_TEXT, false, &log) < 0)
        _exit(2);
    event_log_report(log, &request, getpid(), policy);
    if (recv(logger, packet, sizeof packet - 1, MSG_DONTWAIT) <= 0)
        _exit(3);
    if (strncmp(packet, "<29>", 4) || !strstr(packet, "]: refused 127.0.0.1:40312") ||
        strchr(packet, '\n'))
        _exit(4);
    alarm(20); /* a logger that does not read is not waited for */
    for (int i = 0; i < 2000; i++)
        event_log_notice(log, "warning", 0, "again");
    close(logger); /* one that was started again is found again */
    unlink(address.sun_path);
    logger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(logger, (struct sockaddr *)&address, sizeof address) < 0)
        _exit(5);
    event_log_notice(log, "warning", 0, "here again");
    _exit(recv(logger, packet, sizeof packet - 1, MSG_DONTWAIT) > 0 ? 0 : 6);
}

static void syslog_gets_datagrams(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0)
        talk_to_logger();
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static int set_up(void **state)
{
    char message[256];
    int file = mkstemp(path);

    (void)state;
    close(file);
    policy = policy_new(PROTECT_SCOPES);
    return policy_deny(policy, "bob", message, sizeof message);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    policy_free(policy);
    return 0;
}

int main(void)
{
    const char *directory = getenv("TMPDIR");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_names_peer_place_and_rule),
        cmocka_unit_test(who_is_nobody_is_told_why),
        cmocka_unit_test(a_loop_is_told_its_ways_out),
        cmocka_unit_test(served_is_told_to_those_who_ask),
        cmocka_unit_test(a_local_peer_is_its_process),
        cmocka_unit_test(observed_says_what_would_be),
        cmocka_unit_test(escape_sequences_stay_on_their_line),
        cmocka_unit_test(every_event_is_one_line),
        cmocka_unit_test(json_is_an_object_a_line),
        cmocka_unit_test(a_flood_is_counted_and_summed_up_at_the_end),
        cmocka_unit_test(a_flood_is_over_after_its_interval),
        cmocka_unit_test(the_table_is_bounded_and_loses_no_count),
        cmocka_unit_test(a_full_pipe_keeps_nobody_waiting),
        cmocka_unit_test(a_full_socket_keeps_nobody_waiting),
        cmocka_unit_test(the_file_is_not_everybodys),
        cmocka_unit_test(syslog_gets_datagrams),
    };

    snprintf(path, sizeof path, "%s/event-log-XXXXXX", directory ? directory : "/tmp");
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
