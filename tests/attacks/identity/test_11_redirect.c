/*
 * test_11_redirect.c: attack 11. A redirect (NAT) changes the server's address on the way: no
 * socket here has the connection that the server sees. Denied.
 */
#include "actor.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

static const char *const nftables = //
    "nft add table ip attack && "
    "nft 'add chain ip attack out { type nat hook output priority -100; }' && "
    "nft add rule ip attack out tcp dport 7 redirect to :%d";
static const char *const iptables = "iptables -t nat -A OUTPUT -p tcp --dport 7 -j REDIRECT "
                                    "--to-ports %d";

static bool redirect_to(int port)
{
    char command[512], quiet[600];
    const char *const ways[] = {nftables, iptables};

    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command, ways[i], port);
        snprintf(quiet, sizeof quiet, "{ %s; } 2>/dev/null", command);
        if (run(quiet))
            return true;
    }
    return false;
}

/*
 * Bob listens on Alice's port. With the rules for the answer's tuple and state taken out, the
 * redirected connection was Bob's; with the probe for our own addresses taken out, a host's.
 */
static void attack_11_behind_a_redirect(void **state)
{
    struct actor alice = actor_start(ALICE, NULL), bob = actor_start(BOB, NULL);
    struct sockaddr_storage server, local, wildcard;
    int listener = server_listen("127.0.0.1", 0, &server), accepted;
    struct client client = {.remote = address_of("127.0.0.1", 7)};

    (void)state;
    if (!redirect_to(port_of(&server))) {
        print_message("SKIP: attack 11 needs nft or iptables, and a kernel with NAT\n");
        skip();
    }
    assert_int_equal(actor_connect(&alice, &client, &local), 0);
    accepted = server_accept(listener);
    expect_nobody(accepted, IDENTITY_REASON_NOT_FOUND);
    wildcard = address_of("0.0.0.0", port_of(&local));
    assert_int_equal(actor_listen(&bob, &wildcard, NULL), 0);
    expect_nobody(accepted, IDENTITY_REASON_OTHER_SOCKET);
    assert_int_equal(state_of(accepted), TCP_ESTABLISHED);
    close(accepted);
    close(listener);
    actor_end(&alice);
    actor_end(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attack_11_behind_a_redirect)};

    identity_prepare();
    return cmocka_run_group_tests_name("attack 11", tests, NULL, NULL);
}
