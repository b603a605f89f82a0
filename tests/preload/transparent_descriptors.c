/*
 * transparent_descriptors.c: closing and copying descriptors, and what daemons do to those that
 * they did not open. Whoever closes everything finds the lowest number free again, and can still
 * serve.
 */
#include "transparent.h"

#include <linux/close_range.h>
#include <sys/resource.h>

static void a_copy_over_a_connection_replaces_it(void **state)
{
    struct fixture *fixture = *state;
    char byte;
    int second_far = connect_to(fixture);
    int second_near = accept(fixture->listener, NULL, NULL);
    assert_true(second_near >= 0);
    assert_int_equal(dup2(second_near, fixture->near), fixture->near);
    assert_int_equal(close(second_near), 0);
    assert_int_equal(read(fixture->far, &byte, 1), 0);
    assert_int_equal(write(second_far, "2", 1), 1);
    assert_int_equal(read(fixture->near, &byte, 1), 1);
    assert_int_equal(byte, '2');
    close(second_far);
}

static void dup3_sets_close_on_exec(void **state)
{
    struct fixture *fixture = *state;
    int spare = open("/dev/null", O_RDONLY);
    assert_int_equal(dup3(fixture->near, spare, O_CLOEXEC), spare);
    assert_int_equal(fcntl(spare, F_GETFD), FD_CLOEXEC);
    assert_int_equal(dup2(fixture->near, spare), spare);
    assert_int_equal(fcntl(spare, F_GETFD), 0);
    assert_int_equal(dup3(spare, spare, 0), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(dup2(spare, spare), spare);
    close(spare);
    assert_int_equal(dup2(spare, spare), -1);
    assert_int_equal(errno, EBADF);
}

/* The connection ends with its last descriptor, not with the first that is closed. */
static void a_connection_lives_until_its_last_copy(void **state)
{
    struct fixture *fixture = *state;
    char byte;
    int copy = fcntl(fixture->near, F_DUPFD_CLOEXEC, 50);
    assert_true(copy >= 50);
    assert_int_equal(close(fixture->near), 0);
    assert_int_equal(write(fixture->far, "x", 1), 1);
    assert_int_equal(read(copy, &byte, 1), 1);
    assert_int_equal(write(copy, "y", 1), 1);
    assert_int_equal(read(fixture->far, &byte, 1), 1);
    assert_int_equal(close(copy), 0);
    assert_int_equal(read(fixture->far, &byte, 1), 0);
    assert_int_equal(close(copy), -1);
    assert_int_equal(errno, EBADF);
    fixture->near = -1;
}

static void a_stream_closes_its_connection(void **state)
{
    struct fixture *fixture = *state;
    char line[16], byte;
    FILE *stream = fdopen(fixture->near, "r+");
    assert_non_null(stream);
    assert_int_equal(write(fixture->far, "line\n", 5), 5);
    assert_non_null(fgets(line, sizeof line, stream));
    assert_string_equal(line, "line\n");
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(fcntl(fixture->near, F_GETFD), -1);
    assert_int_equal(read(fixture->far, &byte, 1), 0);
    fixture->near = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fixture->near >= 0);
    assert_int_equal(read(fixture->near, &byte, 1), 0);
}

/* In a child that has closed what it did not open: numbers start at 3 again, and serving works. */
static void still_serves(struct fixture *fixture)
{
    void *state = fixture;
    char byte;
    int lowest = open("/dev/null", O_RDWR);
    MUST(lowest == 3);
    MUST(open_connection(&state) == 0);
    MUST(write(fixture->far, "x", 1) == 1);
    MUST(read(fixture->near, &byte, 1) == 1 && byte == 'x');
    struct pollfd ready = {fixture->listener, POLLIN, 0};
    MUST(poll(&ready, 1, 0) == 0);
    MUST(system("exit 5") == 5 << 8);
}

static void closes_from_3(struct fixture *fixture)
{
    closefrom(3);
    still_serves(fixture);
}

static void closes_a_range(struct fixture *fixture)
{
    MUST(close_range(3, ~0U, 0) == 0);
    still_serves(fixture);
}

static void marks_a_range(struct fixture *fixture)
{
    char byte;
    MUST(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0);
    MUST(fcntl(fixture->near, F_GETFD) == FD_CLOEXEC);
    MUST(write(fixture->far, "x", 1) == 1);
    MUST(read(fixture->near, &byte, 1) == 1);
    MUST(close_range(fixture->near, fixture->near, 0) == 0);
    MUST(fcntl(fixture->near, F_GETFD) == -1 && errno == EBADF);
    MUST(close_range(9, 8, 0) == -1 && errno == EINVAL);
}

/* A descriptor that the program did not open must not even look open. */
static void closes_one_after_the_other(struct fixture *fixture)
{
    bool ours[1024] = {false};
    ours[fixture->listener] = ours[fixture->near] = ours[fixture->far] = true;
    for (int i = 3; i < 1024; i++) {
        int result = close(i);
        if (ours[i])
            MUST(result == 0);
        else
            MUST(result == -1 && errno == EBADF);
    }
    still_serves(fixture);
}

static void takes_every_number(struct fixture *fixture)
{
    struct rlimit limit = {1024, 1024};
    MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    int null = open("/dev/null", O_RDWR);
    MUST(null >= 0);
    for (int i = 500; i < 1024; i++)
        MUST(dup2(null, i) == i);
    for (int i = 3; i < 1024; i++)
        close(i);
    still_serves(fixture);
}

/* Whoever has used up every descriptor is told so, and can go on when one is free again. */
static void runs_out(struct fixture *fixture)
{
    struct rlimit limit = {64, 64};
    int last = -1, next;
    MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    int client = connect_to(fixture);
    while ((next = open("/dev/null", O_RDONLY)) >= 0)
        last = next;
    MUST(errno == EMFILE);
    MUST(accept(fixture->listener, NULL, NULL) == -1);
    MUST(errno == EMFILE);
    MUST(close(last) == 0);
    MUST(accept(fixture->listener, NULL, NULL) == last);
    close(client);
}

#define IN_CHILD(work)                                                                             \
    static void a_daemon_that_##work(void **state)                                                 \
    {                                                                                              \
        in_child(work, *state);                                                                    \
        serve_one(*state);                                                                         \
    }

IN_CHILD(closes_from_3)
IN_CHILD(closes_a_range)
IN_CHILD(marks_a_range)
IN_CHILD(closes_one_after_the_other)
IN_CHILD(takes_every_number)
IN_CHILD(runs_out)

int main(void)
{
    closefrom(3); /* whatever the test's caller left open would be taken for the library's */
    const struct CMUnitTest tests[] = {
        BOTH(a_copy_over_a_connection_replaces_it, open_connection),
        BOTH(dup3_sets_close_on_exec, open_connection),
        BOTH(a_connection_lives_until_its_last_copy, open_connection),
        BOTH(a_stream_closes_its_connection, open_connection),
        BOTH(a_daemon_that_closes_from_3, open_connection),
        BOTH(a_daemon_that_closes_a_range, open_connection),
        BOTH(a_daemon_that_marks_a_range, open_connection),
        BOTH(a_daemon_that_closes_one_after_the_other, open_connection),
        BOTH(a_daemon_that_takes_every_number, open_connection),
        BOTH(a_daemon_that_runs_out, open_connection),
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
