/*
 * test_16_marks.c: attack 16, a mark that is no stamp of ours, and the ways of a local user to have
 * none, as what comes from another host has none.
 *
 * Taken out: the question whether the socket's namespace is the stamped one, "Alice"; the tag for
 * looped multicast, and for large ids: another host, whom --map may name; the same with the bit for
 * what comes from outside taken for granted, of a packet that is older than the stamps.
 */
#include "senders.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sockaddr_storage elsewhere; /* no address of this host's */

static void attack_16_forged_mark_is_overwritten(void **state)
{
    (void)state;
    sent(&(struct sending){.uid = ALICE, .mark = forged(BOB), .text = "forged"});
    expect_from(ALICE, "forged");
    sent(&(struct sending){.uid = ALICE, .mark = forged(BOB), .connects = true, .text = "forged"});
    expect_from(ALICE, "forged");
}

/* Whoever else on this machine has packets stamped: what arrives without is nobody's. */
static void attack_16_packet_without_a_stamp(void **state)
{
    (void)state;
    assert_true(
        run("nft add table inet wipe && "
            "nft add chain inet wipe early '{ type filter hook prerouting priority -150; }' "
            "&& nft add rule inet wipe early meta mark set 0"));
    sent(&(struct sending){.uid = ALICE, .text = "bare"});
    expect_from_nobody(IDENTITY_REASON_NO_STAMP);
    assert_true(run("nft delete table inet wipe"));
    sent(&(struct sending){.uid = ALICE, .text = "alice's"});
    expect_from(ALICE, "alice's");
}

static uint32_t number_of(int link)
{
    struct bpf_link_info information = {0};
    union bpf_attr asked = {.info = {.bpf_fd = (uint32_t)link,
                                .info_len = sizeof information,
                                .info = (uintptr_t)&information}};

    assert_int_equal(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &asked, sizeof asked), 0);
    return information.id;
}

static bool is_attached(uint32_t number)
{
    union bpf_attr asked = {.link_id = number};
    int link = (int)syscall(SYS_bpf, BPF_LINK_GET_FD_BY_ID, &asked, sizeof asked);

    return link >= 0 && close(link) == 0;
}

static void stamps_end_with_their_descriptors(void **state)
{
    uint32_t clean = number_of(stamp.links[0]), put = number_of(stamp.links[1]);

    (void)state;
    assert_true(is_attached(clean) && is_attached(put));
    stamp_close(&stamp);
    assert_false(is_attached(clean) || is_attached(put));
}

/* A firewall's mark on what comes from outside: with stamp_clean taken out it was Bob. */
static void attack_16_mark_on_a_packet_from_outside(void **state)
{
    struct identity identity;
    char text[16];

    (void)state;
    close(receiver);
    assert_true(
        run("ip netns add outside && ip link add in type veth peer name out netns outside && "
            "ip addr add 10.78.0.1/24 dev in && ip link set in up && "
            "ip -n outside addr add 10.78.0.2/24 dev out && "
            "ip -n outside link set out up && nft add table inet forge && "
            "nft add chain inet forge early '{ type filter hook prerouting priority -150; }' "
            "&& nft add rule inet forge early iifname in meta mark set 0x800003ea"));
    bind_receiver("10.78.0.1");
    {
        char command[160];

        snprintf(command, sizeof command,
            "printf outside | ip netns exec outside socat - UDP-SENDTO:10.78.0.1:%d",
            port_of(&server));
        assert_true(run(command));
    }
    assert_int_equal(poll(&(struct pollfd){.fd = receiver, .events = POLLIN}, 1, 10000), 1);
    receive(text, &identity);
    assert_string_equal(text, "outside");
    assert_int_equal(identity.kind, IDENTITY_HOST);
    assert_true(run("nft delete table inet forge && ip netns del outside"));
}

/* ---- where no stamp is put --------------------------------------------------------------------
 */

static void enter_another_network(void)
{
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_true(run("ip link set lo up"));
}

static void leave_it(int home)
{
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    close(home);
}

/* Marks are there for the reader: the socket's maker asked for them, not we. */
static void read_marks(void)
{
    int on = 1;

    assert_int_equal(setsockopt(receiver, SOL_SOCKET, SO_RCVMARK, &on, sizeof on), 0);
}

/*
 * A socket of another namespace, where Bob is root enough to set marks and to map ids, passed to
 * the server. It was Alice's.
 */
static void attack_16_mark_in_another_namespace(void **state)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    (void)state;
    close(receiver);
    enter_another_network();
    bind_receiver("127.0.0.1");
    read_marks();
    sent(&(struct sending){.uid = BOB, .mark = forged(ALICE), .text = "forged"});
    leave_it(home);
    expect_from_nobody(IDENTITY_REASON_NO_STAMP);
}

/* Without stamps (--datagrams=refuse) a mark is anybody's, and no mark is no other host. */
static void attack_16_mark_where_nothing_is_stamped(void **state)
{
    (void)state;
    stamp_close(&stamp);
    read_marks();
    stamped = 0;
    sent(&(struct sending){.uid = BOB, .mark = forged(ALICE), .text = "forged"});
    expect_from_nobody(IDENTITY_REASON_NO_STAMP);
    close(receiver);
    bind_receiver("::");
    read_marks();
    sent(&(struct sending){.uid = BOB, .from = &elsewhere, .to = "::1", .text = "host"});
    expect_from_nobody(IDENTITY_REASON_NO_STAMP);
    stamped = netns_here();
}

/*
 * What waits in a socket since before anything was stamped has no mark, as nothing that comes from
 * outside had once. Meanwhile another test may have stamped it: then it is Bob's.
 */
static void attack_16_older_than_the_stamps(void **state)
{
    struct identity identity;
    char text[16], message[256];

    (void)state;
    close(receiver);
    stamp_close(&stamp);
    bind_receiver("::");
    sent(&(struct sending){.uid = BOB, .from = &elsewhere, .to = "::1", .text = "older"});
    assert_int_equal(stamp_attach(&stamp, message, sizeof message), 0);
    receive(text, &identity);
    assert_string_equal(text, "older");
    assert_int_not_equal(identity.kind, IDENTITY_HOST);
}

/* ---- a user of this host who would pass for another host --------------------------------------
 */

/* IPV6_FREEBIND: any address, for anybody; and this host hears its own multicast by that device. */
static void attack_16_multicast_from_an_address_elsewhere(void **state)
{
    (void)state;
    close(receiver);
    assert_true(
        run("ip netns add outside && ip link add party type veth peer name out netns outside && "
            "ip link set party up && ip -n outside link set out up"));
    bind_receiver("::");
    sent(&(struct sending){.uid = BOB,
        .from = &elsewhere,
        .to = "ff02::1",
        .device = if_nametoindex("party"),
        .text = "party"});
    assert_int_equal(poll(&(struct pollfd){.fd = receiver, .events = POLLIN}, 1, 10000), 1);
    expect_from_nobody(IDENTITY_REASON_UNMAPPED);
    assert_true(run("ip netns del outside"));
}

/* No room for it in the stamp: it had none, as another host's packets. */
static void attack_16_user_id_of_32_bits(void **state)
{
    (void)state;
    close(receiver);
    bind_receiver("::");
    sent(&(struct sending){.uid = 3000000000, .from = &elsewhere, .to = "::1", .text = "large"});
    expect_from_nobody(IDENTITY_REASON_UNMAPPED);
    sent(&(struct sending){.uid = BOB, .from = &elsewhere, .to = "::1", .text = "bob's"});
    expect_from(BOB, "bob's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attack_16_forged_mark_is_overwritten, start, end),
        cmocka_unit_test_setup_teardown(attack_16_packet_without_a_stamp, start, end),
        cmocka_unit_test_setup_teardown(stamps_end_with_their_descriptors, start, end),
        cmocka_unit_test_setup_teardown(attack_16_mark_on_a_packet_from_outside, start, end),
        cmocka_unit_test_setup_teardown(attack_16_mark_in_another_namespace, start, end),
        cmocka_unit_test_setup_teardown(attack_16_mark_where_nothing_is_stamped, start, end),
        cmocka_unit_test_setup_teardown(attack_16_older_than_the_stamps, start, end),
        cmocka_unit_test_setup_teardown(attack_16_multicast_from_an_address_elsewhere, start, end),
        cmocka_unit_test_setup_teardown(attack_16_user_id_of_32_bits, start, end),
    };

    identity_prepare();
    elsewhere = address_of("2001:db8:5::78", 4444);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
