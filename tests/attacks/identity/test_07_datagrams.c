/*
 * test_07_datagrams.c: attacks 7, 8, 9, 15, 16 and 17. Who sent a datagram: by the stamp that the
 * packet bears, whoever has the sender's port by now; and what is no stamp of ours.
 */
#include "actor.h"
#include "identity/stamp.h"
#include "kernel.h"
#include "stamp.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stamp stamp;
static struct sockaddr_storage server;
static socklen_t server_length; /* an abstract name may be shorter */
static int receiver;

static uint64_t netns_here(void)
{
    int probe = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;

    assert_int_equal(kernel_getsockopt(probe, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length), 0);
    close(probe);
    return cookie;
}

static int bind_receiver(const char *text)
{
    socklen_t length = sizeof server;

    server = address_of(text, 0);
    receiver = socket(server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&server, length_of(&server)), 0);
    assert_int_equal(getsockname(receiver, (struct sockaddr *)&server, &length), 0);
    server_length = length;
    assert_int_equal(identity_prepare_datagrams(receiver, netns_here()), 0);
    return 0;
}

static int attach(void)
{
    char message[256];
    int error = stamp_attach(&stamp, message, sizeof message);

    if (error < 0)
        print_error("no stamp: %s\n", message);
    return error;
}

static int start(void **state)
{
    (void)state;
    return attach() < 0 ? -1 : bind_receiver("127.0.0.1");
}

static int end(void **state)
{
    (void)state;
    stamp_close(&stamp);
    return close(receiver);
}

/* ---- senders ----------------------------------------------------------------------------------
 */

struct sending {
    uid_t uid;
    const struct sockaddr_storage *from; /* NULL: any address */
    bool connects;
    bool shares; /* its port, with who lets it (SO_REUSEADDR) */
    uint32_t mark;
    const char *text;
};

static void keep_net_admin(uid_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    data[0].permitted = data[0].effective = 1U << CAP_NET_ADMIN;
    if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresuid(uid, uid, uid) < 0 ||
        syscall(SYS_capset, &header, data) < 0)
        _exit(2);
}

/* In a process of that user's: a socket, a datagram, and the end. */
static void send_one(const struct sending *sending)
{
    int on = 1, own;

    if (sending->mark)
        keep_net_admin(sending->uid);
    else if (setresuid(sending->uid, sending->uid, sending->uid) < 0)
        _exit(2);
    own = socket(server.ss_family, SOCK_DGRAM, 0);
    if (sending->shares && setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        _exit(3);
    if (sending->mark &&
        setsockopt(own, SOL_SOCKET, SO_MARK, &sending->mark, sizeof sending->mark) < 0)
        _exit(4);
    if (sending->from &&
        bind(own, (const struct sockaddr *)sending->from, length_of(sending->from)) < 0)
        _exit(5);
    if (sending->connects && connect(own, (struct sockaddr *)&server, server_length) < 0)
        _exit(6);
    if (sending->connects ? send(own, sending->text, strlen(sending->text), 0) < 0
                          : sendto(own, sending->text, strlen(sending->text), 0,
                                (struct sockaddr *)&server, server_length) < 0)
        _exit(7);
    _exit(0);
}

static void sent(const struct sending *sending)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        send_one(sending);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A socket that goes on to have the port, in a process of that user's. */
static pid_t holds_port(uid_t uid, const struct sockaddr_storage *address)
{
    int ready[2], on = 1;
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        int own;

        close(ready[0]);
        if (setresuid(uid, uid, uid) < 0)
            _exit(2);
        own = socket(address->ss_family, SOCK_DGRAM, 0);
        setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(own, (const struct sockaddr *)address, length_of(address)) < 0)
            _exit(3);
        if (write(ready[1], "", 1) != 1)
            _exit(4);
        pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void lets_go(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* ---- what is said of them ---------------------------------------------------------------------
 */

static void receive(char text[16], struct identity *identity)
{
    union {
        struct cmsghdr header;
        char space[256];
    } control;
    struct sockaddr_storage from;
    struct iovec part = {text, 15};
    struct msghdr message = {.msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t size = recvmsg(receiver, &message, MSG_DONTWAIT);

    assert_true(size >= 0);
    text[size] = '\0';
    identity_of_datagram(receiver, &message, identity);
}

static void expect_from(uid_t uid, const char *said)
{
    struct identity identity;
    char text[16];

    receive(text, &identity);
    assert_string_equal(text, said);
    assert_int_equal(identity.kind, IDENTITY_USER);
    assert_int_equal(identity.uid, uid);
}

static void expect_from_nobody(enum identity_reason reason)
{
    struct identity identity;
    char text[16];

    receive(text, &identity);
    assert_int_equal(identity.kind, IDENTITY_NONE);
    assert_int_equal(identity.uid, (uid_t)-1);
    assert_int_equal(identity.reason, reason);
}

/* A port that is free for the moment. */
static struct sockaddr_storage free_port(const char *text)
{
    struct sockaddr_storage address = address_of(text, 0);
    socklen_t length = sizeof address;
    int probe = socket(address.ss_family, SOCK_DGRAM, 0);

    assert_int_equal(bind(probe, (struct sockaddr *)&address, length_of(&address)), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &length), 0);
    close(probe);
    return address;
}

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

static uint32_t forged(uid_t uid)
{
    return stamp_tag | uid;
}

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

/* ---- the same stamp on connections ------------------------------------------------------------
 */

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
        cmocka_unit_test_setup_teardown(attack_07_port_taken_over_before_the_look, start, end),
        cmocka_unit_test_setup_teardown(attack_08_port_shared_by_two_users, start, end),
        cmocka_unit_test_setup_teardown(attack_09_the_servers_own_socket, start, end),
        cmocka_unit_test_setup_teardown(attack_15_listener_with_a_mark, start, end),
        cmocka_unit_test_setup_teardown(attack_16_forged_mark_is_overwritten, start, end),
        cmocka_unit_test_setup_teardown(attack_16_packet_without_a_stamp, start, end),
        cmocka_unit_test_setup_teardown(stamps_end_with_their_descriptors, start, end),
        cmocka_unit_test_setup_teardown(attack_16_mark_on_a_packet_from_outside, start, end),
        cmocka_unit_test_setup_teardown(attack_17_message_from_before_the_question, start, end),
        cmocka_unit_test_setup_teardown(a_client_that_has_closed_is_known_by_its_stamp, start, end),
    };

    identity_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
