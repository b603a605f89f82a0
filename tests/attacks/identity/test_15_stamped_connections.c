/*
 * test_15_stamped_connections.c: attack 15. A client that has closed before it was accepted, known
 * by the stamp of the packet that opened the connection (net.ipv4.tcp_fwmark_accept), unless the
 * listener itself gives marks to its connections.
 */
#include "senders.h"

#include <unistd.h>

static void closed_before_accept(uint32_t mark_of_listener, struct identity *identity)
{
    struct actor alice = actor_start(ALICE, NULL);
    struct client client = {0};
    int listener = server_listen("127.0.0.1", 0, &client.remote), accepted;

    assert_true(run("sysctl -qw net.ipv4.tcp_fwmark_accept=1"));
    if (mark_of_listener)
        assert_int_equal(
            setsockopt(listener, SOL_SOCKET, SO_MARK, &mark_of_listener, sizeof mark_of_listener),
            0);
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    assert_int_equal(actor_send(&alice, 100), 0);
    assert_int_equal(actor_close(&alice), 0);
    accepted = server_accept(listener);
    assert_int_equal(identity_of_connection(accepted, identity), 0);
    assert_int_equal(identity->reason, IDENTITY_REASON_ORPHAN);
    identity_by_stamp(listener, accepted, netns_here(), identity);
    assert_true(run("sysctl -qw net.ipv4.tcp_fwmark_accept=0"));
    close(accepted);
    close(listener);
    actor_end(&alice);
}

static void a_client_that_has_closed_is_known_by_its_stamp(void **state)
{
    struct identity identity;

    (void)state;
    closed_before_accept(0, &identity);
    assert_int_equal(identity.kind, IDENTITY_USER);
    assert_int_equal(identity.uid, ALICE);
    assert_int_equal(identity.source, IDENTITY_SOURCE_STAMP);
}

/* Every connection would be Bob's. */
static void attack_15_listener_with_a_mark(void **state)
{
    struct identity identity;

    (void)state;
    closed_before_accept(forged(BOB), &identity);
    assert_int_equal(identity.kind, IDENTITY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_that_has_closed_is_known_by_its_stamp, start, end),
        cmocka_unit_test_setup_teardown(attack_15_listener_with_a_mark, start, end),
    };

    identity_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
