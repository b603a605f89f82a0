/*
 * test_list.c: a supervisor's instances are told to root and to its own user, to nobody else, by
 * nobody else, and nobody makes the supervisor wait. Runs in tests/world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "list_client.h"
#include "list_print.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 1001, BOB = 1002, MANY = 1000 };

static unsigned three(void *context, unsigned index, struct list_entry *entry)
{
    static const struct list_entry entries[] = {
        {.state = LIST_SERVING,
            .number = 1,
            .assigned = true,
            .uid = ALICE,
            .pid = 4711,
            .age_ms = 303999,
            .connections = 2,
            .waiting = 1,
            .account = "alice"},
        {.state = LIST_SPARE, .number = 2, .pid = 4712, .age_ms = 7800000},
        {.state = LIST_ENDING,
            .number = 3,
            .assigned = true,
            .uid = 4242,
            .pid = 4713,
            .age_ms = 100 * 3600 * 1000,
            .idle_ms = 12345},
    };

    (void)context;
    if (index == sizeof entries / sizeof *entries)
        return 0;
    *entry = entries[index];
    return 1;
}

static unsigned many(void *context, unsigned index, struct list_entry *entry)
{
    (void)context;
    entry->number = index;
    return index < MANY;
}

static unsigned out_of_range(void *context, unsigned index, struct list_entry *entry)
{
    (void)context;
    entry->state = LIST_STATES;
    return index == 0;
}

typedef unsigned each_function(void *context, unsigned index, struct list_entry *entry);

/* A process that answers in the name of `run` (0: its own), as user `uid`, until it is ended. */
static pid_t serve(pid_t run, uid_t uid, each_function *each)
{
    int ready[2];
    char byte;
    pid_t server;

    assert_int_equal(pipe(ready), 0);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        struct pollfd listener = {.events = POLLIN};

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setresuid(uid, uid, uid) < 0)
            _exit(1);
        listener.fd = list_server_open(run ? run : getpid());
        if (listener.fd < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        while (poll(&listener, 1, -1) > 0)
            list_server_answer(listener.fd, each, NULL);
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return server;
}

static void end(pid_t server)
{
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, NULL, 0), server);
}

/* Asks as user `uid`; what list_client_ask() returns, negated. */
static int ask_as(uid_t uid, pid_t run)
{
    pid_t asker = fork();
    int status;

    if (asker == 0) {
        struct list_entry *entries;
        unsigned count;
        char message[256];

        if (setresuid(uid, uid, uid) < 0)
            _exit(255);
        _exit(-list_client_ask(run, &entries, &count, message, sizeof message));
    }
    assert_int_equal(waitpid(asker, &status, 0), asker);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void everything_is_told(void **state)
{
    pid_t server = serve(0, 0, three);
    cleanup_memory struct list_entry *entries = NULL;
    struct list_entry expected;
    char message[256] = "";
    unsigned count;

    (void)state;
    assert_int_equal(list_client_ask(server, &entries, &count, message, sizeof message), 0);
    assert_int_equal(count, 3);
    for (unsigned i = 0; i < count; i++) {
        three(NULL, i, &expected);
        assert_int_equal(entries[i].state, expected.state);
        assert_int_equal(entries[i].uid, expected.uid);
        assert_int_equal(entries[i].age_ms, expected.age_ms);
        assert_int_equal(entries[i].idle_ms, expected.idle_ms);
        assert_string_equal(entries[i].account, expected.account);
    }
    end(server);
}

static void a_thousand_are_told(void **state)
{
    pid_t server = serve(0, ALICE, many);
    cleanup_memory struct list_entry *entries = NULL;
    char message[256];
    unsigned count;

    (void)state;
    assert_int_equal(list_client_ask(server, &entries, &count, message, sizeof message), 0);
    assert_int_equal(count, MANY);
    assert_int_equal(entries[MANY - 1].number, MANY - 1);
    end(server);
}

static void root_and_its_own_user_may_ask(void **state)
{
    pid_t server = serve(0, ALICE, three);

    (void)state;
    assert_int_equal(ask_as(0, server), 0);
    assert_int_equal(ask_as(ALICE, server), 0);
    assert_int_equal(ask_as(BOB, server), EACCES);
    end(server);
    server = serve(0, 0, three);
    assert_int_equal(ask_as(ALICE, server), EACCES);
    end(server);
}

static void who_took_the_name_is_not_believed(void **state)
{
    pid_t victim = fork();
    pid_t squatter;

    (void)state;
    if (victim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    squatter = serve(victim, BOB, three);
    assert_int_equal(ask_as(0, victim), EPERM);
    assert_int_equal(ask_as(ALICE, victim), EPERM);
    assert_int_equal(list_server_open(victim), -EADDRINUSE);
    end(squatter);
    end(victim);
}

static void nobody_there_is_told_apart(void **state)
{
    pid_t gone = fork();

    (void)state;
    if (gone == 0)
        _exit(0);
    waitpid(gone, NULL, 0);
    assert_int_equal(ask_as(0, gone), ENOENT);
    assert_int_equal(ask_as(0, getpid()), ENOENT);
}

static void one_that_is_stopped_is_not_waited_for(void **state)
{
    pid_t server = serve(0, 0, three);

    (void)state;
    kill(server, SIGSTOP);
    assert_int_equal(ask_as(0, server), ETIMEDOUT);
    end(server);
}

static void nonsense_is_not_printed(void **state)
{
    pid_t server = serve(0, 0, out_of_range);

    (void)state;
    assert_int_equal(ask_as(0, server), EPROTO);
    end(server);
}

static unsigned without_end(void *context, unsigned index, struct list_entry *entry)
{
    (void)context;
    (void)index;
    (void)entry;
    return 1;
}

static int connect_to(pid_t run)
{
    struct sockaddr_un address;
    socklen_t length = list_server_address(run, &address);
    int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    assert_int_equal(connect(client, (struct sockaddr *)&address, length), 0);
    return client;
}

/* Would it wait for the one who does not read, this test would not end. */
static void who_does_not_read_is_dropped(void **state)
{
    cleanup_descriptor int listener = list_server_open(getpid());
    int slow, gone;

    (void)state;
    assert_true(listener >= 0);
    slow = connect_to(getpid());
    gone = connect_to(getpid());
    close(gone);
    list_server_answer(listener, without_end, NULL);
    close(slow);
    list_server_answer(listener, without_end, NULL); /* nobody waits */
}

/* What print(s) to stdout, to be freed. */
static char *printed(void (*print)(void))
{
    FILE *file = tmpfile(), *saved = stdout;
    char *text = NULL;
    size_t size = 0;

    stdout = file;
    print();
    stdout = saved;
    rewind(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static struct list_entry examples[4];

static void fill_examples(void)
{
    for (unsigned i = 0; i < 3; i++)
        three(NULL, i, &examples[i]);
    examples[3] = (struct list_entry){.state = LIST_SERVING,
        .number = 10,
        .assigned = true,
        .uid = BOB,
        .pid = 1,
        .age_ms = 999,
        .account = "b\nob\303\274"};
}

static void print_table(void)
{
    list_print_table(examples, 4, true);
}

static void print_json(void)
{
    assert_int_equal(list_print_json(4700, examples, 4), 0);
}

static void the_table_is_aligned_and_escaped(void **state)
{
    cleanup_memory char *text = NULL;

    (void)state;
    fill_examples();
    text = printed(print_table);
    assert_string_equal(text,
        "ACCOUNT   INSTANCE  PID   STATE    AGE    CONNECTIONS  IDLE\n"
        "alice     1         4711  serving  5m03s  2            -\n"
        "-         2         4712  spare    2h10m  0            -\n"
        "4242      3         4713  ending   4d04h  0            12s\n"
        "b\\x0aob\303\274  10        1     serving  0s     0            0s\n");
}

static void json_has_a_version_and_all_there_is(void **state)
{
    cleanup_memory char *text = NULL;
    json_t *object, *first, *second;

    (void)state;
    fill_examples();
    text = printed(print_json);
    object = json_loads(text, 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "version")), 1);
    assert_int_equal(json_integer_value(json_object_get(object, "supervisor")), 4700);
    assert_int_equal(json_array_size(json_object_get(object, "instances")), 4);
    first = json_array_get(json_object_get(object, "instances"), 0);
    second = json_array_get(json_object_get(object, "instances"), 1);
    assert_string_equal(json_string_value(json_object_get(first, "account")), "alice");
    assert_int_equal(json_integer_value(json_object_get(first, "uid")), ALICE);
    assert_string_equal(json_string_value(json_object_get(first, "state")), "serving");
    assert_int_equal(json_integer_value(json_object_get(first, "waiting")), 1);
    assert_true(json_is_null(json_object_get(second, "account")));
    assert_true(json_is_null(json_object_get(second, "uid")));
    assert_true(json_is_null(json_object_get(second, "idle_ms")));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_told),
        cmocka_unit_test(a_thousand_are_told),
        cmocka_unit_test(root_and_its_own_user_may_ask),
        cmocka_unit_test(who_took_the_name_is_not_believed),
        cmocka_unit_test(nobody_there_is_told_apart),
        cmocka_unit_test(one_that_is_stopped_is_not_waited_for),
        cmocka_unit_test(nonsense_is_not_printed),
        cmocka_unit_test(who_does_not_read_is_dropped),
        cmocka_unit_test(the_table_is_aligned_and_escaped),
        cmocka_unit_test(json_has_a_version_and_all_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
