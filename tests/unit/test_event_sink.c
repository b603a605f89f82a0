/*
 * test_event_sink.c: where events go: floods are counted, nobody is waited for. Runs in
 * tests/world.
 */
#include "event_logged.h"

#include "cleanup.h"
#include "event_flood.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* From as many addresses as 127/8 has: a user who is known is one, and so is who is not. */
static void a_flood_of_datagrams_is_one_whatever_its_addresses(void **state)
{
    static struct flood flood;
    struct request request = event(EVENT_REFUSED, ACCOUNT_DENIED, BOB);
    struct flood_entry entry;

    (void)state;
    request.peer.source = IDENTITY_SOURCE_STAMP;
    for (int known = 1; known >= 0; known--) {
        assert_false(flood_remember(&flood, &request, 1, 1000, &entry));
        request.peer.peer.address.s6_addr[15]++;
        assert_true(flood_counts(&flood, &request, 1));
        request.peer.kind = IDENTITY_NONE;
        request.peer.source = IDENTITY_SOURCE_NONE;
        request.peer.reason = IDENTITY_REASON_NO_STAMP;
    }
    request.peer.kind = IDENTITY_HOST;
    request.peer.source = IDENTITY_SOURCE_HOST;
    request.peer.reason = IDENTITY_REASON_NONE;
    assert_false(flood_remember(&flood, &request, 1, 1000, &entry));
    request.peer.peer.address.s6_addr[15]++;
    assert_false(flood_counts(&flood, &request, 1)); /* another host is another */
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
    assert_int_equal(stat(log_path, &status), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_counted_and_summed_up_at_the_end),
        cmocka_unit_test(a_flood_of_datagrams_is_one_whatever_its_addresses),
        cmocka_unit_test(a_flood_is_over_after_its_interval),
        cmocka_unit_test(the_table_is_bounded_and_loses_no_count),
        cmocka_unit_test(a_full_pipe_keeps_nobody_waiting),
        cmocka_unit_test(a_full_socket_keeps_nobody_waiting),
        cmocka_unit_test(the_file_is_not_everybodys),
        cmocka_unit_test(syslog_gets_datagrams),
    };

    return cmocka_run_group_tests(tests, log_set_up, log_tear_down);
}
