/*
 * test_07_datagrams.c: attacks 7, 8, 9 and 17. Who sent a datagram, whoever has the sender's port
 * by now: over IP by the stamp that the packet bears, over AF_UNIX by the sender's credentials.
 */
#include "senders.h"

#include <string.h>
#include <unistd.h>

/* The look-up that a stamp takes the place of answered "Bob" here. */
static void attack_07_port_taken_over_before_the_look(void **state)
{
    struct sockaddr_storage port = free_port("127.0.0.1");

    (void)state;
    for (int round = 0; round < 50; round++) {
        pid_t bob;

        sent(&(struct sending){.uid = ALICE, .from = &port, .text = "alice's"});
        bob = holds_port(BOB, &port);
        expect_from(ALICE, "alice's");
        lets_go(bob);
    }
}

static void attack_08_port_shared_by_two_users(void **state)
{
    struct sockaddr_storage port = free_port("127.0.0.1");
    struct sockaddr_storage wild = address_of("0.0.0.0", port_of(&port));

    (void)state;
    for (int round = 0; round < 16; round++) {
        bool connects = round & 1, bobs_is_wild = round & 2, first = round & 4;
        struct sending alice = {.uid = ALICE,
            .from = bobs_is_wild ? &port : &wild,
            .connects = connects,
            .shares = true,
            .text = "alice's"};
        pid_t bob = first ? holds_port(BOB, bobs_is_wild ? &wild : &port) : 0;

        sent(&alice);
        if (!first)
            bob = holds_port(BOB, bobs_is_wild ? &wild : &port);
        expect_from(ALICE, "alice's");
        lets_go(bob);
    }
}

/* A look-up in TCP's order of fields found the server's own socket. */
static void attack_09_the_servers_own_socket(void **state)
{
    (void)state;
    sent(&(struct sending){.uid = ALICE, .text = "alice's"});
    expect_from(ALICE, "alice's");
    assert_int_equal(sendto(receiver, "own", 3, 0, (struct sockaddr *)&server, server_length), 3);
    expect_from(ROOT, "own"); /* which policy refuses */
}

/* What was on its way before anybody asked for credentials has nobody's. */
static void attack_17_message_from_before_the_question(void **state)
{
    socklen_t length = sizeof server;

    (void)state;
    close(receiver);
    server = (struct sockaddr_storage){.ss_family = AF_UNIX};
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&server, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(receiver, (struct sockaddr *)&server, &length), 0);
    server_length = length;
    sent(&(struct sending){.uid = ALICE, .text = "early"});
    assert_int_equal(identity_prepare_datagrams(receiver, 0), 0);
    expect_from_nobody(IDENTITY_REASON_NO_CREDENTIALS);
    sent(&(struct sending){.uid = ALICE, .text = "late"});
    expect_from(ALICE, "late");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attack_07_port_taken_over_before_the_look, start, end),
        cmocka_unit_test_setup_teardown(attack_08_port_shared_by_two_users, start, end),
        cmocka_unit_test_setup_teardown(attack_09_the_servers_own_socket, start, end),
        cmocka_unit_test_setup_teardown(attack_17_message_from_before_the_question, start, end),
    };

    identity_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
