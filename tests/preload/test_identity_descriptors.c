/*
 * test_identity_descriptors.c: the sock_diag sockets live among descriptors of a server that knows
 * nothing of them: it closes them, takes their numbers, uses up its limit, forks.
 */
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENOUGH = 8192 };

static struct actor alice;
static struct client client;
static int listener, accepted;

static int start(void **state)
{
    (void)state;
    alice = actor_start(ALICE, NULL);
    listener = server_listen("127.0.0.1", 0, &client.remote);
    client.local = (struct sockaddr_storage){0};
    assert_int_equal(actor_connect(&alice, &client, &client.local), 0);
    accepted = server_accept(listener);
    return 0;
}

static int end(void **state)
{
    (void)state;
    actor_end(&alice);
    close(accepted);
    return close(listener);
}

/* The one kept socket; -1 if there is none. */
static int kept(void)
{
    volatile int found = -1; /* an assertion that fails jumps */

    for (int i = 0; i < ENOUGH; i++) {
        if (!identity_owns_descriptor(i))
            continue;
        assert_int_equal(found, -1);
        found = i;
    }
    return found;
}

static void one_high_close_on_exec_socket_is_kept(void **state)
{
    int descriptor;

    (void)state;
    for (int i = 0; i < 100; i++)
        expect_user(accepted, ALICE);
    descriptor = kept();
    assert_true(descriptor >= 512);
    assert_int_equal(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
    assert_false(identity_owns_descriptor(-1));
    assert_false(identity_owns_descriptor(accepted));
}

static void with_a_small_limit(void)
{
    struct rlimit limit = {.rlim_cur = 48, .rlim_max = 48};

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    expect_user(accepted, ALICE);
    assert_in_range(kept(), 24, 47);
}

static void the_limit_bounds_the_height(void **state)
{
    (void)state;
    in_a_child(with_a_small_limit);
}

/* With the comparison of cookies taken out, every later look-up failed (EBADF). */
static void closed_behind_our_back(void **state)
{
    (void)state;
    expect_user(accepted, ALICE);
    assert_int_equal(close(kept()), 0);
    assert_int_equal(kept(), -1);
    expect_user(accepted, ALICE);
    assert_true(kept() >= 0);
}

/* Puts `theirs` at our number, looks up, and sees that the number is still theirs, unwritten. */
static void replaced_by(int theirs, int reader)
{
    int waiting = -1, number;

    expect_user(accepted, ALICE);
    number = kept();
    assert_int_equal(dup2(theirs, number), number);
    close(theirs);
    assert_false(identity_owns_descriptor(number));
    expect_user(accepted, ALICE);
    assert_true(fcntl(number, F_GETFD) >= 0);
    assert_int_not_equal(kept(), number);
    if (reader >= 0) {
        assert_int_equal(ioctl(reader, FIONREAD, &waiting), 0);
        assert_int_equal(waiting, 0);
        close(reader);
    }
    identity_after_fork();
    assert_true(fcntl(number, F_GETFD) >= 0);
    close(number);
}

/* With the comparison of cookies taken out, the question was sent to what is the server's now. */
static void replaced_behind_our_back(void **state)
{
    int pair[2], pipes[2];

    (void)state;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    replaced_by(pipes[1], pipes[0]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    replaced_by(pair[1], pair[0]);
    replaced_by(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), -1);
}

static void moved_out_of_the_way(void **state)
{
    int number, other;

    (void)state;
    expect_user(accepted, ALICE);
    number = kept();
    assert_int_equal(identity_move_descriptor(number), 0);
    other = kept();
    assert_true(other >= 0 && other != number);
    assert_int_equal(fcntl(number, F_GETFD), -1);
    assert_int_equal(fcntl(other, F_GETFD), FD_CLOEXEC);
    expect_user(accepted, ALICE);
    assert_int_equal(kept(), other);
    assert_int_equal(identity_move_descriptor(number), -EBADF);
    assert_int_equal(identity_move_descriptor(accepted), -EBADF);
}

/*
 * A vfork child shares our memory and not our descriptors. Without the comparison of process ids
 * our socket moved, in memory, to a number that only the child had; the real one was never closed.
 */
static void moved_in_a_vfork_child(void **state)
{
    int number, status;
    pid_t child;

    (void)state;
    expect_user(accepted, ALICE);
    number = kept();
    child = vfork();
    if (child == 0)
        _exit(identity_move_descriptor(number) != 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(kept(), number);
    expect_user(accepted, ALICE);
    assert_int_equal(kept(), number);
}

/* No descriptor is left; returns the last one that was to be had. */
static int use_up(void)
{
    struct rlimit limit = {.rlim_cur = 128, .rlim_max = 128};
    int last = -1, next;

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while ((next = fcntl(accepted, F_DUPFD_CLOEXEC, 0)) >= 0)
        last = next;
    assert_int_equal(errno, EMFILE);
    return last;
}

static void use_up_before_the_first_look_up(void)
{
    int last = use_up();
    struct identity identity;

    errno = 4711;
    assert_int_equal(identity_of_connection(accepted, &identity), 0);
    assert_int_equal(identity.kind, IDENTITY_NONE);
    assert_int_equal(identity.reason, IDENTITY_REASON_KERNEL);
    assert_int_equal(identity.error, EMFILE);
    assert_int_equal(errno, 4711);
    close(last);
    expect_user(accepted, ALICE);
}

static void use_up_after_the_first_look_up(void)
{
    expect_user(accepted, ALICE);
    use_up();
    expect_user(accepted, ALICE);
}

static void every_descriptor_is_in_use(void **state)
{
    (void)state;
    in_a_child(use_up_before_the_first_look_up);
    in_a_child(use_up_after_the_first_look_up);
}

static int inherited;

static void look_after_fork(void)
{
    assert_int_equal(fcntl(inherited, F_GETFD), -1);
    assert_int_equal(kept(), -1);
    expect_user(accepted, ALICE);
    assert_true(kept() >= 0);
}

static void a_child_keeps_nothing_of_its_parent(void **state)
{
    (void)state;
    expect_user(accepted, ALICE);
    inherited = kept();
    in_a_child(look_after_fork);
    assert_int_equal(kept(), inherited);
    expect_user(accepted, ALICE);
}

struct forgery {
    struct nlmsghdr header;
    union {
        struct inet_diag_req_v2 question;
        struct inet_diag_msg answer;
    };
};

static void send_forgery(int socket, struct forgery *forgery, uint32_t port)
{
    struct sockaddr_nl target = {.nl_family = AF_NETLINK, .nl_pid = port};

    assert_int_equal(sendto(socket, forgery, forgery->header.nlmsg_len, 0,
                         (struct sockaddr *)&target, sizeof target),
        forgery->header.nlmsg_len);
}

/* With the comparison of sequence numbers taken out, the first answer in the queue was taken. */
static void answers_of_others_are_drained(void **state)
{
    struct forgery forgery = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof forgery.question),
                                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                  .nlmsg_flags = NLM_F_REQUEST},
        .question = {.sdiag_family = AF_INET,
            .sdiag_protocol = IPPROTO_TCP,
            .id = {.idiag_sport = htons(9), .idiag_dport = htons(9)}}};

    (void)state;
    expect_user(accepted, ALICE);
    for (uint32_t i = 0; i < 40; i++) {
        forgery.header.nlmsg_seq = UINT32_MAX - i;
        send_forgery(kept(), &forgery, 0);
    }
    expect_user(accepted, ALICE);
}

/*
 * A process with CAP_NET_ADMIN may write to our socket: what does not come from the kernel is no
 * answer. Without that rule Alice was Bob. (The first test, so that the numbers are foreseen.)
 */
static void answers_of_processes_are_none(void **state)
{
    struct sockaddr_in *peer = (struct sockaddr_in *)&client.local;
    struct sockaddr_in *local = (struct sockaddr_in *)&client.remote;
    struct sockaddr_nl ours;
    socklen_t length = sizeof ours;
    int forger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct forgery forgery = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof forgery.answer),
                                  .nlmsg_type = SOCK_DIAG_BY_FAMILY},
        .answer = {.idiag_family = AF_INET,
            .idiag_state = TCP_ESTABLISHED,
            .idiag_uid = BOB,
            .idiag_inode = 1,
            .id = {.idiag_sport = peer->sin_port,
                .idiag_dport = local->sin_port,
                .idiag_src = {peer->sin_addr.s_addr},
                .idiag_dst = {local->sin_addr.s_addr}}}};

    (void)state;
    expect_user(accepted, ALICE);
    assert_int_equal(getsockname(kept(), (struct sockaddr *)&ours, &length), 0);
    for (uint32_t i = 0; i < 60; i++) {
        forgery.header.nlmsg_seq = i;
        send_forgery(forger, &forgery, ours.nl_pid);
    }
    expect_user(accepted, ALICE);
    close(forger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_of_processes_are_none, start, end),
        cmocka_unit_test_setup_teardown(one_high_close_on_exec_socket_is_kept, start, end),
        cmocka_unit_test_setup_teardown(the_limit_bounds_the_height, start, end),
        cmocka_unit_test_setup_teardown(closed_behind_our_back, start, end),
        cmocka_unit_test_setup_teardown(replaced_behind_our_back, start, end),
        cmocka_unit_test_setup_teardown(moved_out_of_the_way, start, end),
        cmocka_unit_test_setup_teardown(a_child_keeps_nothing_of_its_parent, start, end),
        cmocka_unit_test_setup_teardown(moved_in_a_vfork_child, start, end),
        cmocka_unit_test_setup_teardown(every_descriptor_is_in_use, start, end),
        cmocka_unit_test_setup_teardown(answers_of_others_are_drained, start, end),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
