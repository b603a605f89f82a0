/*
 * test_04_lookalikes.c: attacks 4, 5 and 10. Sockets of others that resemble the peer's: a
 * listener on its port, a socket on the way to connect, the same port of another address.
 *
 * In attacks 4 and 5 Alice's end has vanished without a packet, as it does when an orphan times out
 * while the server is slow, and the impostor takes her port. He drops what comes in (any user may
 * attach a filter to a socket of his own), or the server's answer to his SYN would make him reset
 * it.
 */
#include "alice_and_bob.h"

#include <errno.h>

#include <netinet/tcp.h>
#include <unistd.h>

/* A connection that Alice had, from `text`; *client is how to make it again. */
static int abandoned(const char *text, struct client *client)
{
    int listener = server_listen(text, 0, &client->remote);
    int accepted;

    assert_int_equal(actor_connect(&alice, client, &client->local), 0);
    accepted = server_accept(listener);
    expect_user(accepted, ALICE);
    actor_vanish(&alice);
    close(listener);
    return accepted;
}

/*
 * Two rules stand in the way, for the answer's tuple and for its state. With both taken out Bob's
 * listener was Alice's connection; with one, the other still refused it (for another reason).
 */
static void listen_on_port(const char *server, const char *impostor)
{
    struct client client = {0};
    int accepted = abandoned(server, &client);
    struct sockaddr_storage address = address_of(impostor, port_of(&client.local));

    expect_nobody(accepted, IDENTITY_REASON_NOT_FOUND);
    assert_int_equal(actor_listen(&bob, &address, NULL), 0);
    assert_int_equal(state_of(accepted), TCP_ESTABLISHED);
    expect_nobody(accepted, IDENTITY_REASON_OTHER_SOCKET);
    assert_int_equal(actor_close(&bob), 0);
    close(accepted);
}

static void attack_04_listener_on_the_port(void **state)
{
    (void)state;
    listen_on_port("127.0.0.1", "127.0.0.1");
    listen_on_port("127.0.0.1", "0.0.0.0");
    listen_on_port("127.0.0.1", "::");
    listen_on_port("::1", "::1");
    listen_on_port("::1", "::");
}

/* With the rule for states taken out, Bob's unanswered SYN was Alice's connection. */
static void connect_in_vain(const char *server)
{
    struct client client = {0};
    int accepted = abandoned(server, &client);

    client.deaf = true;
    assert_int_equal(actor_connect(&bob, &client, NULL), 0);
    assert_int_equal(state_of(accepted), TCP_ESTABLISHED);
    expect_nobody(accepted, IDENTITY_REASON_STATE);
    assert_int_equal(actor_close(&bob), 0);
    close(accepted);
}

static void attack_05_syn_sent_with_the_tuple(void **state)
{
    (void)state;
    connect_in_vain("127.0.0.1");
    connect_in_vain("::1");
}

/* Another port, if the one the kernel gave to alice is taken at bob's address. Accepts alice's. */
static int connect_alike(int listener, struct client *hers, struct client *his)
{
    for (int attempt = 0; attempt < 20; attempt++) {
        int accepted, result;

        hers->local = address_of("127.6.6.6", 0);
        assert_int_equal(actor_connect(&alice, hers, &hers->local), 0);
        accepted = server_accept(listener);
        his->local = address_of("127.0.0.1", port_of(&hers->local));
        result = actor_connect(&bob, his, &his->local);
        if (result == 0)
            return accepted;
        assert_int_equal(result, -EADDRINUSE);
        assert_int_equal(actor_close(&alice), 0);
        close(accepted);
    }
    fail_msg("no port was free at both addresses");
    return -1;
}

/* By ports alone (the question without addresses) the kernel finds neither; a list finds both. */
static void attack_10_same_port_of_another_address(void **state)
{
    struct client hers = {0}, his = {0};
    int listener = server_listen("127.0.0.1", 0, &hers.remote);
    int first, second;

    (void)state;
    his.remote = hers.remote;
    first = connect_alike(listener, &hers, &his);
    second = server_accept(listener);
    expect_user(first, ALICE);
    expect_user(second, BOB);
    /* Only the other one is left: still not the same. */
    actor_vanish(&alice);
    expect_nobody(first, IDENTITY_REASON_NOT_FOUND);
    expect_user(second, BOB);
    close(first);
    close(second);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attack_04_listener_on_the_port, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_05_syn_sent_with_the_tuple, start_both, end_both),
        cmocka_unit_test_setup_teardown(
            attack_10_same_port_of_another_address, start_both, end_both),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("attacks 4, 5 and 10", tests, NULL, NULL);
}
