/*
 * test_identity_peercred.c: AF_UNIX peers, and what is no connection at all.
 */
#include "actor.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STAFF = 2001 };

static int listen_unix(int type, struct sockaddr_un *address, socklen_t *length)
{
    int listener = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *length = sizeof *address;
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)address, length), 0);
    return listener;
}

/* A connection from a process that was `uid` with `count` groups then, and is nobody since. */
static int connected_by(uid_t uid, const gid_t *groups, size_t count, int type, pid_t *pid)
{
    struct sockaddr_un address;
    socklen_t length;
    int listener = listen_unix(type, &address, &length), accepted;

    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        int client = socket(AF_UNIX, type, 0);

        _exit(setgroups(count, groups) < 0 || setresgid(uid, uid, uid) < 0 ||
              setresuid(uid, uid, 0) < 0 ||
              connect(client, (struct sockaddr *)&address, length) < 0 || setresuid(0, 0, 0) < 0 ||
              setresuid(STRANGER, STRANGER, STRANGER) < 0);
    }
    accepted = server_accept(listener);
    assert_int_equal(waitpid(*pid, NULL, 0), *pid);
    close(listener);
    return accepted;
}

static void the_peer_is_who_connected(void **state)
{
    const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    const gid_t groups[] = {STAFF};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct identity identity;
        gid_t found[4];
        pid_t pid;
        int accepted = connected_by(ALICE, groups, 1, types[i], &pid);

        assert_int_equal(identity_of_connection(accepted, &identity), 0);
        assert_int_equal(identity.kind, IDENTITY_USER);
        assert_int_equal(identity.source, IDENTITY_SOURCE_PEERCRED);
        assert_int_equal(identity.uid, ALICE);
        assert_int_equal(identity.gid, ALICE);
        assert_int_equal(identity.pid, pid);
        assert_int_equal(identity.peer.family, AF_UNIX);
        assert_true(identity.cookie != 0);
        assert_int_equal(identity_groups(accepted, found, 4), 1);
        assert_int_equal(found[0], STAFF);
        close(accepted);
    }
}

static void groups_are_complete_or_refused(void **state)
{
    gid_t groups[IDENTITY_MAX_GROUPS + 1], found[IDENTITY_MAX_GROUPS + 1];
    pid_t pid;
    int accepted;

    (void)state;
    for (unsigned i = 0; i < IDENTITY_MAX_GROUPS + 1; i++)
        groups[i] = 3000 + i;
    accepted = connected_by(ALICE, groups, 0, SOCK_STREAM, &pid);
    assert_int_equal(identity_groups(accepted, found, 8), 0);
    close(accepted);
    accepted = connected_by(ALICE, groups, 8, SOCK_STREAM, &pid);
    assert_int_equal(identity_groups(accepted, found, 8), 8);
    assert_memory_equal(found, groups, 8 * sizeof *groups);
    assert_int_equal(identity_groups(accepted, found, 7), -ERANGE);
    close(accepted);
    accepted = connected_by(ALICE, groups, IDENTITY_MAX_GROUPS + 1, SOCK_STREAM, &pid);
    assert_int_equal(identity_groups(accepted, found, IDENTITY_MAX_GROUPS + 1), -ERANGE);
    close(accepted);
}

static void nobody_is_nobody(void **state)
{
    pid_t pid;
    int accepted = connected_by(65534, NULL, 0, SOCK_STREAM, &pid);

    (void)state;
    expect_nobody(accepted, IDENTITY_REASON_UNMAPPED);
    close(accepted);
}

/*
 * A listening socket answers SO_PEERCRED with its own owner: with ENOTCONN of getpeername(2) not
 * heeded, the server itself, root, was the peer.
 */
static void a_listener_has_no_peer(void **state)
{
    struct sockaddr_un address;
    struct sockaddr_storage tcp;
    socklen_t length;
    int listeners[] = {listen_unix(SOCK_STREAM, &address, &length), server_listen("::1", 0, &tcp)};
    struct identity identity;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(identity_of_connection(listeners[i], &identity), -ENOTCONN);
        assert_int_equal(identity.kind, IDENTITY_NONE);
        assert_int_equal(identity.uid, (uid_t)-1);
        close(listeners[i]);
    }
}

static void what_is_no_connection_is_told(void **state)
{
    struct identity identity;
    int pipes[2], fresh = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(identity_of_connection(-1, &identity), -EBADF);
    assert_int_equal(identity_of_connection(pipes[0], &identity), -ENOTSOCK);
    assert_int_equal(identity_of_connection(fresh, &identity), -ENOTCONN);
    assert_int_equal(identity.kind, IDENTITY_NONE);
    close(fresh);
    close(pipes[0]);
    close(pipes[1]);
}

/* With the rule for socket types taken out, a pair's datagrams came from root. */
static void datagrams_are_no_connections(void **state)
{
    struct sockaddr_storage here = address_of("127.0.0.1", 0);
    socklen_t length = sizeof here;
    int pair[2], udp = socket(AF_INET, SOCK_DGRAM, 0), netlink = socket(AF_NETLINK, SOCK_RAW, 0);

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    expect_nobody(pair[0], IDENTITY_REASON_FAMILY);
    assert_int_equal(bind(udp, (struct sockaddr *)&here, length_of(&here)), 0);
    assert_int_equal(getsockname(udp, (struct sockaddr *)&here, &length), 0);
    assert_int_equal(connect(udp, (struct sockaddr *)&here, length), 0);
    expect_nobody(udp, IDENTITY_REASON_FAMILY);
    expect_nobody(netlink, IDENTITY_REASON_FAMILY);
    close(pair[0]);
    close(pair[1]);
    close(udp);
    close(netlink);
}

/* A UDP socket and Alice's connection have the same addresses; it was hers without the last rule.
 */
static void udp_is_not_the_tcp_connection_of_its_ports(void **state)
{
    struct actor alice = actor_start(ALICE, NULL);
    struct client client = {0};
    int listener = server_listen("127.0.0.1", 0, &client.remote), accepted;
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_storage local;

    (void)state;
    assert_int_equal(actor_connect(&alice, &client, &local), 0);
    accepted = server_accept(listener);
    assert_int_equal(bind(udp, (struct sockaddr *)&client.remote, length_of(&client.remote)), 0);
    assert_int_equal(connect(udp, (struct sockaddr *)&local, length_of(&local)), 0);
    expect_user(accepted, ALICE);
    expect_nobody(udp, IDENTITY_REASON_FAMILY);
    close(udp);
    close(accepted);
    close(listener);
    actor_end(&alice);
}

static void errno_is_left_alone(void **state)
{
    int pair[2];
    gid_t groups[1];
    struct identity identity;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    errno = 4711;
    identity_of_connection(-1, &identity);
    identity_of_connection(pair[0], &identity);
    identity_groups(-1, groups, 1);
    identity_move_descriptor(-1);
    identity_prepare();
    assert_int_equal(errno, 4711);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peer_is_who_connected),
        cmocka_unit_test(groups_are_complete_or_refused),
        cmocka_unit_test(nobody_is_nobody),
        cmocka_unit_test(a_listener_has_no_peer),
        cmocka_unit_test(what_is_no_connection_is_told),
        cmocka_unit_test(datagrams_are_no_connections),
        cmocka_unit_test(udp_is_not_the_tcp_connection_of_its_ports),
        cmocka_unit_test(errno_is_left_alone),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("peercred", tests, NULL, NULL);
}
