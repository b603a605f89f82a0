/* listeners.c: which listener is meant, and what is left when they go. Runs in tests/world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "listeners.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct loop loop;
static struct listeners listeners;
static unsigned accepted;

static void count(void *context, struct listener *listener)
{
    int connection = accept4(listener->source.descriptor, NULL, NULL, SOCK_CLOEXEC);

    (void)context;
    assert_true(connection >= 0);
    kernel_close(connection);
    accepted++;
}

static int begin(void **state)
{
    (void)state;
    accepted = 0;
    listeners = (struct listeners){.loop = &loop, .accept = count};
    return loop_open(&loop);
}

static int end(void **state)
{
    (void)state;
    listeners_close(&listeners);
    loop_close(&loop);
    return 0;
}

static const struct sockaddr_in any_port = {
    .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f /* 127.0.0.1 */};

static struct request_socket asked_for(const void *address, socklen_t length)
{
    struct request_socket asked = {
        .family = ((const struct sockaddr *)address)->sa_family, .type = SOCK_STREAM};

    asked.address_length = length;
    memcpy(&asked.address, address, length);
    return asked;
}

static int make(const void *address, socklen_t length)
{
    int made = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM, 0);

    assert_true(made >= 0);
    assert_int_equal(bind(made, address, length), 0);
    assert_int_equal(listen(made, 5), 0);
    return made;
}

static bool is_below(const void *context, const struct listener *listener)
{
    return listener->number <= *(const uint32_t *)context;
}

static void the_same_command_finds_its_own(void **state)
{
    struct request_socket asked = asked_for(&any_port, sizeof any_port), other = asked;
    cleanup_descriptor int one = make(&any_port, sizeof any_port);
    cleanup_descriptor int two = make(&any_port, sizeof any_port);
    struct listener *first, *second, *again;
    uint32_t taken = 0;

    (void)state;
    assert_int_equal(listeners_offer(&listeners, &asked, one, &first), 0);
    assert_int_equal(listeners_offer(&listeners, &asked, two, &second), 0);
    assert_int_equal(listeners_offer(&listeners, &asked, one, &again), 0);
    assert_ptr_equal(again, first);
    assert_ptr_equal(listeners_match(&listeners, &asked, is_below, &taken), first);
    taken = 1;
    assert_ptr_equal(listeners_match(&listeners, &asked, is_below, &taken), second);
    taken = 2;
    assert_null(listeners_match(&listeners, &asked, is_below, &taken));
    taken = 0;
    other.type = SOCK_SEQPACKET;
    assert_null(listeners_match(&listeners, &other, is_below, &taken));
    other = asked;
    ((struct sockaddr_in *)&other.address)->sin_port = htons(80);
    assert_null(listeners_match(&listeners, &other, is_below, &taken));
    other = asked;
    other.address_length = UINT32_MAX; /* a stranger's word */
    assert_null(listeners_match(&listeners, &other, is_below, &taken));
}

static void what_does_not_listen_is_not_taken(void **state)
{
    struct request_socket asked = asked_for(&any_port, sizeof any_port);
    cleanup_descriptor int plain = socket(AF_INET, SOCK_STREAM, 0);
    cleanup_descriptor int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    struct listener *listener;

    (void)state;
    assert_int_equal(listeners_offer(&listeners, &asked, plain, &listener), -EINVAL);
    assert_int_equal(listeners_offer(&listeners, &asked, datagrams, &listener), -EINVAL);
    assert_int_equal(listeners_offer(&listeners, &asked, STDIN_FILENO, &listener), -ENOTSOCK);
    assert_null(listeners_find(&listeners, 0));
    assert_null(listeners_find(&listeners, 1));
}

static void a_pause_leaves_clients_in_the_kernels_queue(void **state)
{
    struct request_socket asked = asked_for(&any_port, sizeof any_port);
    cleanup_descriptor int server = make(&any_port, sizeof any_port);
    cleanup_descriptor int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    struct listener *listener;

    (void)state;
    assert_int_equal(listeners_offer(&listeners, &asked, server, &listener), 0);
    listeners_pause(&listeners, true);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, length), 0);
    assert_int_equal(loop_wait(&loop, 0), 0);
    assert_int_equal(accepted, 0);
    listeners_pause(&listeners, false);
    assert_int_equal(loop_wait(&loop, 5000), 0);
    assert_int_equal(accepted, 1);
}

static struct sockaddr_un path_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", getenv("TMPDIR"), name);
    return address;
}

/* Paths go with the service, but not one that names somebody else's socket by now. */
static void paths_that_are_ours_are_removed(void **state)
{
    struct sockaddr_un ours = path_of("ours"), theirs = path_of("theirs");
    struct request_socket asked = asked_for(&ours, sizeof ours);
    cleanup_descriptor int one = make(&ours, sizeof ours);
    cleanup_descriptor int two = make(&theirs, sizeof theirs);
    cleanup_descriptor int three = -1;
    struct listener *listener;
    struct stat status;

    (void)state;
    assert_int_equal(listeners_offer(&listeners, &asked, one, &listener), 0);
    assert_int_equal(listeners_offer(&listeners, &asked, two, &listener), 0);
    assert_int_equal(unlink(theirs.sun_path), 0);
    three = make(&theirs, sizeof theirs);
    listeners_close(&listeners);
    assert_int_equal(lstat(ours.sun_path, &status), -1);
    assert_int_equal(lstat(theirs.sun_path, &status), 0);
    unlink(theirs.sun_path);
}

/* What one instance alone has had goes with it, and what was asked for by another stays. */
static void what_was_one_instances_own_goes_with_it(void **state)
{
    struct sockaddr_un path = path_of("own");
    struct request_socket asked = asked_for(&path, sizeof path);
    cleanup_descriptor int one = make(&path, sizeof path);
    cleanup_descriptor int two = make(&any_port, sizeof any_port);
    cleanup_descriptor int three = make(&any_port, sizeof any_port);
    struct listener *own, *shared, *other;
    uint32_t number;
    struct stat status;

    (void)state;
    assert_int_equal(listeners_offer(&listeners, &asked, one, &own), 0);
    assert_int_equal(listeners_offer(&listeners, &asked, two, &shared), 0);
    own->alone_of = 3;
    number = own->number;
    listeners_give_up(&listeners, 4);
    assert_ptr_equal(listeners_find(&listeners, number), own);
    listeners_give_up(&listeners, 3);
    assert_null(listeners_find(&listeners, number));
    assert_int_equal(lstat(path.sun_path, &status), -1);
    assert_ptr_equal(listeners_find(&listeners, shared->number), shared);
    assert_int_equal(listeners_offer(&listeners, &asked, three, &other), 0);
    assert_int_not_equal(other->number, shared->number);
    assert_int_not_equal(other->number, number);
}

static int make_shared(const struct sockaddr_in *address)
{
    int made = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    assert_int_equal(setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(bind(made, (const struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(made, 5), 0);
    return made;
}

static int is_kept_alive(int socket)
{
    int value = 0;
    socklen_t length = sizeof value;

    assert_int_equal(getsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &value, &length), 0);
    return value;
}

/* Where one client comes is the kernel's choice; so who takes from the one takes from the other. */
static void those_that_share_an_address_are_one(void **state)
{
    const struct sockaddr_in here = {.sin_family = AF_INET,
        .sin_addr.s_addr = any_port.sin_addr.s_addr,
        .sin_port = htons(7070)};
    struct request_socket asked = asked_for(&here, sizeof here);
    cleanup_descriptor int one = make_shared(&here), two = make_shared(&here);
    struct request_option option = {
        .level = SOL_SOCKET, .name = SO_KEEPALIVE, .size = sizeof(int), .value = {1}};
    struct listener *first, *second;

    (void)state;
    assert_null(listeners_match_shared(&listeners, &asked));
    assert_int_equal(listeners_offer(&listeners, &asked, one, &first), 0);
    first->alone_of = 3;
    assert_int_equal(listeners_offer(&listeners, &asked, two, &second), 0);
    assert_ptr_not_equal(first, second);
    assert_int_equal(first->number, second->number);
    assert_int_equal(second->facts.listener, second->number);
    assert_int_equal(second->alone_of, 3);
    assert_null(listeners_match_shared(&listeners, &asked)); /* who asks does not share it */
    asked.shared = true;
    assert_ptr_equal(listeners_match_shared(&listeners, &asked), first);
    listeners_set_option(&listeners, first->number, &option);
    assert_int_equal(is_kept_alive(one), 1);
    assert_int_equal(is_kept_alive(two), 1);
}

/* The one is closed only with the other: the kernel has put clients of the number into both. */
static void those_that_share_an_address_are_shared_together(void **state)
{
    const struct sockaddr_in here = {.sin_family = AF_INET,
        .sin_addr.s_addr = any_port.sin_addr.s_addr,
        .sin_port = htons(7071)};
    struct request_socket asked = asked_for(&here, sizeof here);
    cleanup_descriptor int one = make_shared(&here), two = make_shared(&here);
    struct listener *first, *second;

    (void)state;
    asked.shared = true;
    assert_int_equal(listeners_offer(&listeners, &asked, one, &first), 0);
    first->alone_of = 3;
    assert_int_equal(listeners_offer(&listeners, &asked, two, &second), 0);
    listeners_share(&listeners, first->number, 3);
    assert_int_equal(first->alone_of, 3);
    assert_int_equal(second->alone_of, 3);
    listeners_share(&listeners, first->number + 1, 4);
    assert_int_equal(first->alone_of, 3);
    listeners_share(&listeners, first->number, 4);
    listeners_give_up(&listeners, 3);
    assert_int_equal(listeners.count, 2);
}

/* SO_REUSEPORT says nothing where each asked for any port. */
static void those_at_ports_of_their_own_are_two(void **state)
{
    struct request_socket asked = asked_for(&any_port, sizeof any_port);
    cleanup_descriptor int one = make_shared(&any_port), two = make_shared(&any_port);
    struct listener *first, *second;

    (void)state;
    asked.shared = true;
    assert_int_equal(listeners_offer(&listeners, &asked, one, &first), 0);
    assert_int_equal(listeners_offer(&listeners, &asked, two, &second), 0);
    assert_int_not_equal(first->number, second->number);
    assert_null(listeners_match_shared(&listeners, &asked));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_command_finds_its_own, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_listen_is_not_taken, begin, end),
        cmocka_unit_test_setup_teardown(a_pause_leaves_clients_in_the_kernels_queue, begin, end),
        cmocka_unit_test_setup_teardown(what_was_one_instances_own_goes_with_it, begin, end),
        cmocka_unit_test_setup_teardown(those_that_share_an_address_are_one, begin, end),
        cmocka_unit_test_setup_teardown(those_at_ports_of_their_own_are_two, begin, end),
        cmocka_unit_test_setup_teardown(
            those_that_share_an_address_are_shared_together, begin, end),
        cmocka_unit_test_setup_teardown(those_at_ports_of_their_own_are_two, begin, end),
        cmocka_unit_test_setup_teardown(paths_that_are_ours_are_removed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
