/*
 * test_02_no_owner.c: attacks 2 and 3. The peer's socket was closed: the kernel still has it, but
 * it is nobody's. Denied, never root.
 *
 * With the rule for inode 0 taken out, both kinds of orphan were served as Alice on Linux 6.18,
 * which keeps the owner's id; kernels that take it from the inode say 0 there: root.
 */
#include "actor.h"

#include <netinet/tcp.h>
#include <unistd.h>

static struct actor alice;
static struct client client;
static int listener;

static int start(void **state)
{
    (void)state;
    alice = actor_start(ALICE, NULL);
    listener = server_listen("127.0.0.1", 0, &client.remote);
    return 0;
}

static int end(void **state)
{
    (void)state;
    actor_end(&alice);
    return close(listener);
}

static void the_next_is_served(void)
{
    int accepted;

    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    accepted = server_accept(listener);
    expect_user(accepted, ALICE);
    close(accepted);
    assert_int_equal(actor_close(&alice), 0);
}

static void attack_02_closed_before_accept(void **state)
{
    int accepted;

    (void)state;
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    assert_int_equal(actor_send(&alice, 100), 0);
    assert_int_equal(actor_close(&alice), 0);
    accepted = server_accept(listener);
    assert_int_equal(state_of(accepted), TCP_CLOSE_WAIT);
    expect_nobody(accepted, IDENTITY_REASON_ORPHAN);
    close(accepted);
    the_next_is_served();
}

static void attack_02_reset_before_accept(void **state)
{
    int accepted;

    (void)state;
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    assert_int_equal(actor_send(&alice, 100), 0);
    assert_int_equal(actor_reset(&alice), 0);
    accepted = server_accept(listener);
    expect_nobody(accepted, IDENTITY_REASON_CLOSED);
    close(accepted);
    the_next_is_served();
}

/* Our own end went first, then the peer's. Without the rule for our own state the peer's decided.
 */
static void attack_02_both_ends_closed(void **state)
{
    int accepted;

    (void)state;
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    accepted = server_accept(listener);
    assert_int_equal(shutdown(accepted, SHUT_WR), 0);
    expect_nobody(accepted, IDENTITY_REASON_CLOSED);
    assert_int_equal(actor_close(&alice), 0);
    expect_nobody(accepted, IDENTITY_REASON_CLOSED);
    close(accepted);
    the_next_is_served();
}

static void attack_03_closed_with_unsent_data(void **state)
{
    int accepted;

    (void)state;
    assert_int_equal(actor_connect(&alice, &client, NULL), 0);
    assert_int_equal(actor_fill(&alice), 0);
    assert_int_equal(actor_close(&alice), 0);
    accepted = server_accept(listener);
    /* Its end of file has not come: to us the connection looks as alive as can be. */
    assert_int_equal(state_of(accepted), TCP_ESTABLISHED);
    expect_nobody(accepted, IDENTITY_REASON_ORPHAN);
    close(accepted);
    the_next_is_served();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attack_02_closed_before_accept, start, end),
        cmocka_unit_test_setup_teardown(attack_02_reset_before_accept, start, end),
        cmocka_unit_test_setup_teardown(attack_02_both_ends_closed, start, end),
        cmocka_unit_test_setup_teardown(attack_03_closed_with_unsent_data, start, end),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("attacks 2 and 3", tests, NULL, NULL);
}
