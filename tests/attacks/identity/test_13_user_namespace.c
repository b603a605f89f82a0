/*
 * test_13_user_namespace.c: attack 13. The server is in a user namespace that has a number for
 * Alice and none for Bob, who reads as 65534 there. Denied.
 *
 * With the rule for overflowuid taken out, Bob was served as nobody (65534), whom such a namespace
 * may well map: over TCP, and over AF_UNIX.
 */
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_map(pid_t pid, const char *name, const char *map)
{
    char path[64];
    int file;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    file = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, map, strlen(map)), strlen(map));
    close(file);
}

/* Runs `test` in a user namespace that knows root, Alice and her group, and 65534. */
static void in_user_namespace(void (*test)(const int *sockets), const int *sockets)
{
    const char *map = "0 0 1\n1001 1001 1\n65534 65533 1\n";
    int entered[2], mapped[2], status;
    pid_t child;
    char byte;

    assert_int_equal(pipe(entered), 0);
    assert_int_equal(pipe(mapped), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        identity_after_fork();
        if (unshare(CLONE_NEWUSER) < 0 || write(entered[1], "", 1) != 1 ||
            read(mapped[0], &byte, 1) != 1)
            _exit(1);
        identity_prepare();
        test(sockets);
        _exit(0);
    }
    assert_int_equal(read(entered[0], &byte, 1), 1);
    write_map(child, "uid_map", map);
    write_map(child, "gid_map", map);
    assert_int_equal(write(mapped[1], "", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void alice_and_not_bob(const int *sockets)
{
    expect_user(sockets[0], ALICE);
    expect_nobody(sockets[1], IDENTITY_REASON_UNMAPPED);
}

static void attack_13_unmapped_over_tcp(void **state)
{
    struct actor alice = actor_start(ALICE, NULL), bob = actor_start(BOB, NULL);
    struct client client = {0};
    int listener = server_listen("127.0.0.1", 0, &client.remote), sockets[2];

    (void)state;
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    sockets[0] = server_accept(listener);
    assert_int_equal(actor_connect(&bob, &client, NULL), 0);
    sockets[1] = server_accept(listener);
    expect_user(sockets[1], BOB); /* here, outside, he is somebody */
    in_user_namespace(alice_and_not_bob, sockets);
    actor_end(&alice);
    actor_end(&bob);
    close(listener);
}

/* A connection whose other end was made by `uid` with group `gid`. */
static int connected_by(uid_t uid, gid_t gid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    if (fork() == 0) {
        int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        _exit(setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
              connect(client, (struct sockaddr *)&address, length) < 0);
    }
    accepted = server_accept(listener);
    wait(NULL);
    close(listener);
    return accepted;
}

static void groups_of_alice_and_not_bob(const int *sockets)
{
    gid_t groups[8];

    alice_and_not_bob(sockets);
    /* Her id is known here, her group is not: as nogroup she would be somebody else. */
    expect_nobody(sockets[2], IDENTITY_REASON_UNMAPPED);
    /* Root's own supplementary groups, which these two kept: 1002 has no number here. */
    assert_int_equal(identity_groups(sockets[0], groups, 8), -EOVERFLOW);
}

static void attack_13_unmapped_over_unix(void **state)
{
    const gid_t group = BOB;
    int sockets[3];

    (void)state;
    assert_int_equal(setgroups(1, &group), 0);
    sockets[0] = connected_by(ALICE, ALICE);
    sockets[1] = connected_by(BOB, BOB);
    sockets[2] = connected_by(ALICE, BOB);
    assert_int_equal(setgroups(0, NULL), 0);
    in_user_namespace(groups_of_alice_and_not_bob, sockets);
    for (int i = 0; i < 3; i++)
        close(sockets[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attack_13_unmapped_over_tcp),
        cmocka_unit_test(attack_13_unmapped_over_unix),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("attack 13", tests, NULL, NULL);
}
