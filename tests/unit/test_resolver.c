/* test_resolver.c: answers, and what is no question. Runs in tests/world. */
#include "resolver_asked.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    int file = open(resolver_log, O_RDONLY | O_CLOEXEC);
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

static void take_one(
    void *context, const struct request *request, pid_t pid, int reply, int attached)
{
    unsigned *taken = context;

    (void)request, (void)pid, (void)reply, (void)attached;
    resolver.stop = ++*taken == 1;
}

/* The decision about isolation is taken here, and the listener is offered to the supervisor. */
static void what_comes_after_a_stop_is_left_for_later(void **state)
{
    struct request serves = question(REQUEST_SERVES, 0), offer = question(REQUEST_OFFER, 0);
    const int fds[2] = {STDERR_FILENO, STDERR_FILENO};
    unsigned taken = 0;

    (void)state;
    resolver.other = take_one;
    resolver.context = &taken;
    send_with(client, &serves, sizeof serves, fds, 1);
    send_with(client, &offer, sizeof offer, fds, 2);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    assert_int_equal(taken, 1);
    resolver.stop = false;
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    assert_int_equal(taken, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESOLVER_TEST(a_greeting_is_answered_with_the_settings),
        RESOLVER_TEST(a_child_does_not_greet_for_the_server),
        RESOLVER_TEST(an_account_comes_whole_and_no_longer_than_it_is),
        RESOLVER_TEST(refusals_hold_no_account),
        RESOLVER_TEST(what_is_no_request_is_dropped),
        RESOLVER_TEST(the_number_of_descriptors_must_be_right),
        RESOLVER_TEST(events_out_of_range_are_no_events),
        RESOLVER_TEST(noise_neither_ends_nor_fills_it),
        RESOLVER_TEST(a_reply_that_nobody_takes_keeps_nobody_waiting),
        RESOLVER_TEST(it_ends_with_the_last_holder_of_the_channel),
        RESOLVER_TEST(what_comes_after_a_stop_is_left_for_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
