/*
 * test_12_network_namespace.c: attack 12. The client, or the server's thread, is in another network
 * namespace. Denied, or a host; never the user who has the same addresses and ports elsewhere.
 */
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int made[2]; /* the actor's namespace exists */

static void enter_new_namespace(void)
{
    if (unshare(CLONE_NEWNET) < 0 || write(made[1], "", 1) != 1)
        _exit(1);
}

static struct actor start_elsewhere(uid_t uid)
{
    struct actor actor;
    char byte;

    assert_int_equal(pipe2(made, O_CLOEXEC), 0);
    actor = actor_start(uid, enter_new_namespace);
    assert_int_equal(read(made[0], &byte, 1), 1);
    close(made[0]);
    close(made[1]);
    return actor;
}

/* A cable between here (10.77.0.1) and there (10.77.0.2). */
static void plug_in(const struct actor *there)
{
    char command[512];

    snprintf(command, sizeof command,
        "ip link add here type veth peer name there netns %d && "
        "ip addr add 10.77.0.1/24 dev here && ip link set here up && "
        "nsenter --net=/proc/%d/ns/net sh -c 'ip link set lo up && "
        "ip addr add 10.77.0.2/24 dev there && ip link set there up'",
        there->pid, there->pid);
    assert_true(run(command));
}

/* The error is there a moment before the state is. */
static void await_reset(int socket)
{
    struct pollfd reset = {socket, 0, 0};

    do {
        assert_int_equal(poll(&reset, 1, 10000), 1);
    } while (!(reset.revents & POLLHUP));
}

static void expect_host(int socket, const char *text)
{
    struct sockaddr_storage address = address_of(text, 0);
    struct identity identity;

    assert_int_equal(identity_of_connection(socket, &identity), 0);
    assert_int_equal(identity.kind, IDENTITY_HOST);
    assert_int_equal(identity.source, IDENTITY_SOURCE_HOST);
    assert_int_equal(identity.uid, (uid_t)-1);
    assert_int_equal(
        identity.peer.address.s6_addr32[3], ((struct sockaddr_in *)&address)->sin_addr.s_addr);
}

/*
 * Bob listens here on the port that the stranger has there: the stranger stays a host. With the
 * comparison of tuples taken out he was nobody then (the listener's state), so any local user could
 * have shut out a host; with the rule for states out as well he was Bob.
 */
static void attack_12_client_in_another_namespace(void **state)
{
    struct actor stranger = start_elsewhere(STRANGER), bob = actor_start(BOB, NULL);
    struct sockaddr_storage local, wildcard;
    struct client client = {0};
    int listener, accepted;

    (void)state;
    plug_in(&stranger);
    listener = server_listen("10.77.0.1", 0, &client.remote);
    assert_int_equal(actor_connect(&stranger, &client, &local), 0);
    accepted = server_accept(listener);
    expect_host(accepted, "10.77.0.2");
    wildcard = address_of("0.0.0.0", port_of(&local));
    assert_int_equal(actor_listen(&bob, &wildcard, NULL), 0);
    expect_host(accepted, "10.77.0.2");
    /* A host that has gone is nobody, too. */
    assert_int_equal(actor_reset(&stranger), 0);
    await_reset(accepted);
    assert_int_equal(state_of(accepted), TCP_CLOSE);
    expect_nobody(accepted, IDENTITY_REASON_CLOSED);
    close(accepted);
    close(listener);
    actor_end(&stranger);
    actor_end(&bob);
}

/* Bob, in the thread's new namespace, has the very ports that Alice has in the old one. */
static void twins(struct client *client, int *accepted)
{
    struct actor alice = actor_start(ALICE, NULL), bob;
    struct sockaddr_storage server;
    struct client same = {0};
    int listener = server_listen("127.0.0.1", 0, &client->remote);
    int one = 1;

    assert_int_equal(actor_connect(&alice, client, &client->local), 0);
    *accepted = server_accept(listener);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_true(run("ip link set lo up"));
    same = *client;
    server = client->remote;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(listener, (struct sockaddr *)&server, length_of(&server)), 0);
    assert_int_equal(listen(listener, 1), 0);
    bob = actor_start(BOB, NULL);
    assert_int_equal(actor_connect(&bob, &same, NULL), 0);
    expect_user(server_accept(listener), BOB);
}

static void without_a_kept_socket(void)
{
    struct client client = {0};
    int accepted;

    twins(&client, &accepted);
    expect_nobody(accepted, IDENTITY_REASON_NAMESPACE);
}

static void with_a_kept_socket(void)
{
    struct client client = {0};
    struct actor carol = actor_start(CAROL, NULL);
    int listener = server_listen("127.0.0.1", 0, &client.remote), accepted;

    assert_int_equal(actor_connect(&carol, &client, NULL), 0);
    expect_user(server_accept(listener), CAROL);
    client = (struct client){0};
    twins(&client, &accepted);
    expect_user(accepted, ALICE);
}

/* With the comparison of SO_NETNS_COOKIE taken out, Alice's connection was Bob's. */
static void attack_12_thread_changed_namespace(void **state)
{
    (void)state;
    in_a_child(without_a_kept_socket);
}

/*
 * The kept socket is of the old namespace: right for the old connection, not used for the new. With
 * the comparison taken out, Bob's new connection was Alice's.
 */
static void attack_12_thread_changed_namespace_later(void **state)
{
    (void)state;
    in_a_child(with_a_kept_socket);
}

static void with_an_address_that_is_left_behind(void)
{
    struct client client = {0};
    struct actor alice = actor_start(ALICE, NULL);
    int listener, accepted;

    assert_true(run("ip addr add 10.79.0.1/32 dev lo"));
    listener = server_listen("10.79.0.1", 0, &client.remote);
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    accepted = server_accept(listener);
    expect_user(accepted, ALICE);
    actor_vanish(&alice);
    expect_nobody(accepted, IDENTITY_REASON_NOT_FOUND);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_true(run("ip link set lo up"));
    expect_nobody(accepted, IDENTITY_REASON_NAMESPACE);
}

/* With the probe's namespace not compared, a local user's address was another host's. */
static void attack_12_address_of_the_old_namespace(void **state)
{
    (void)state;
    in_a_child(with_an_address_that_is_left_behind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attack_12_client_in_another_namespace),
        cmocka_unit_test(attack_12_thread_changed_namespace),
        cmocka_unit_test(attack_12_thread_changed_namespace_later),
        cmocka_unit_test(attack_12_address_of_the_old_namespace),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("attack 12", tests, NULL, NULL);
}
