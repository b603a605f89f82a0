/* test_event_log.c: one line an event, whatever is in it. Runs in tests/world. */
#include "event_logged.h"

#include "cleanup.h"

#include <jansson.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
    for (int kind = EVENT_SERVED; kind <= EVENT_NO_ROOT; kind++) {
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

int main(void)
{
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
    };

    return cmocka_run_group_tests(tests, log_set_up, log_tear_down);
}
