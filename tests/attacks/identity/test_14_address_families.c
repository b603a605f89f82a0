/*
 * test_14_address_families.c: attack 14. IPv6, IPv4-mapped addresses on either end, the host's own
 * other addresses, link-local ones, MPTCP: each time the right user, and never another.
 */
#include "alice_and_bob.h"

#include <net/if.h>
#include <unistd.h>

struct meeting {
    const char *server;    /* what the server listens on */
    const char *remote;    /* what the client connects to, if that is another address */
    int protocols[2];      /* the server's and the client's */
    const char *interface; /* of link-local addresses */
};

static void connect_as(struct actor *actor, const struct client *client, int listener, uid_t uid)
{
    int accepted;

    assert_int_equal(actor_connect(actor, client, NULL), 0);
    accepted = server_accept(listener);
    expect_user(accepted, uid);
    close(accepted);
    assert_int_equal(actor_close(actor), 0);
}

static void meet(const struct meeting *meeting)
{
    struct client client = {.protocol = meeting->protocols[1]};
    struct sockaddr_storage server;
    int listener = server_listen(meeting->server, meeting->protocols[0], &server);

    client.remote =
        address_of(meeting->remote != NULL ? meeting->remote : meeting->server, port_of(&server));
    if (meeting->interface != NULL)
        ((struct sockaddr_in6 *)&client.remote)->sin6_scope_id = if_nametoindex(meeting->interface);
    connect_as(&alice, &client, listener, ALICE);
    connect_as(&bob, &client, listener, BOB);
    close(listener);
}

static void attack_14_ipv6_loopback(void **state)
{
    (void)state;
    meet(&(struct meeting){.server = "::1"});
}

/*
 * The client's socket is AF_INET, then AF_INET6; so is the server's. With endpoints compared as the
 * kernel gives them, an AF_INET6 client of an AF_INET server was refused (OTHER_SOCKET).
 */
static void attack_14_mapped(void **state)
{
    (void)state;
    meet(&(struct meeting){.server = "::", .remote = "127.0.0.1"});
    meet(&(struct meeting){.server = "::", .remote = "::ffff:127.0.0.1"});
    meet(&(struct meeting){.server = "127.0.0.1", .remote = "::ffff:127.0.0.1"});
}

static void attack_14_addresses_of_this_host(void **state)
{
    (void)state;
    meet(&(struct meeting){.server = "10.78.0.1"});
    meet(&(struct meeting){.server = "0.0.0.0", .remote = "10.78.0.1"});
    meet(&(struct meeting){.server = "::", .remote = "10.78.0.1"});
    meet(&(struct meeting){.server = "2001:db8::1"});
    meet(&(struct meeting){.server = "::", .remote = "2001:db8::1"});
    meet(&(struct meeting){.server = "127.0.0.1", .remote = "127.0.0.1"});
    meet(&(struct meeting){.server = "127.9.9.9"});
}

/* With idiag_if left 0 the kernel finds no socket: both users were refused (NOT_FOUND). */
static void attack_14_link_local(void **state)
{
    (void)state;
    meet(&(struct meeting){.server = "::", .remote = "fe80::77", .interface = "one"});
}

/*
 * The same address on two interfaces: the one that is asked for tells the two peers apart. (Taking
 * out the comparison with the answer's shows nothing: the kernel finds no socket of another.)
 */
static void attack_14_link_local_twins(void **state)
{
    struct client client = {0};
    struct sockaddr_storage server;
    int listener = server_listen("::", 0, &server), first, second;

    (void)state;
    client.remote = address_of("fe80::77", port_of(&server));
    ((struct sockaddr_in6 *)&client.remote)->sin6_scope_id = if_nametoindex("one");
    assert_int_equal(actor_connect(&alice, &client, &client.local), 0);
    first = server_accept(listener);
    ((struct sockaddr_in6 *)&client.remote)->sin6_scope_id = if_nametoindex("two");
    ((struct sockaddr_in6 *)&client.local)->sin6_scope_id = if_nametoindex("two");
    assert_int_equal(actor_connect(&bob, &client, NULL), 0);
    second = server_accept(listener);
    expect_user(first, ALICE);
    expect_user(second, BOB);
    close(first);
    close(second);
    close(listener);
}

static void attack_14_mptcp(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct meeting meeting = {.server = "127.0.0.1",
            .protocols = {
                i & 1 ? IPPROTO_MPTCP : IPPROTO_TCP, i & 2 ? IPPROTO_MPTCP : IPPROTO_TCP}};

        meet(&meeting);
        meeting.server = "::1";
        meet(&meeting);
    }
}

/* MPTCP's reset (MP_FASTCLOSE) is as good a reset as TCP's: attack 1 over it. */
static void attack_14_mptcp_port_taken_over(void **state)
{
    struct client client = {.protocol = IPPROTO_MPTCP};
    int listener = server_listen("127.0.0.1", IPPROTO_MPTCP, &client.remote), hers, his;

    (void)state;
    for (int i = 0; i < 50; i++) {
        client.local = (struct sockaddr_storage){0};
        assert_int_equal(actor_connect(&alice, &client, &client.local), 0);
        assert_int_equal(actor_send(&alice, 100), 0);
        hers = server_accept(listener);
        expect_user(hers, ALICE);
        assert_int_equal(actor_reset(&alice), 0);
        assert_int_equal(actor_connect(&bob, &client, NULL), 0);
        his = server_accept(listener);
        expect_nobody(hers, IDENTITY_REASON_CLOSED);
        expect_user(his, BOB);
        close(hers);
        close(his);
        assert_int_equal(actor_reset(&bob), 0);
    }
    close(listener);
}

static int make_addresses(void **state)
{
    (void)state;
    return run("ip link add one type veth peer name two && "
               "ip addr add 10.78.0.1/24 dev one && ip addr add 2001:db8::1/64 dev one nodad && "
               "ip addr add fe80::77/64 dev one nodad && ip addr add fe80::77/64 dev two nodad && "
               "ip link set one up && ip link set two up")
               ? 0
               : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attack_14_ipv6_loopback, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_14_mapped, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_14_addresses_of_this_host, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_14_link_local, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_14_link_local_twins, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_14_mptcp, start_both, end_both),
        cmocka_unit_test_setup_teardown(attack_14_mptcp_port_taken_over, start_both, end_both),
    };

    identity_prepare();
    return cmocka_run_group_tests_name("attack 14", tests, make_addresses, NULL);
}
