/*
 * test_policy.c: deny before map before allow; root by name only; what cannot be judged is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { ALICE = 1001, BOB = 1002, STRANGER = 1004, LABGUEST = 1100, UNKNOWN = 54321, GUARD = 61184 };

static char message[512];
static struct policy_decision decision;

/* Options as on the command line, ended by NULL: "allow=alice". */
static struct policy *policy_of(enum protect_mode mode, const char *const options[])
{
    struct policy *policy = policy_new(mode);

    assert_non_null(policy);
    policy_reserve(policy, GUARD);
    for (; *options != NULL; options++) {
        int result = -1;

        if (strncmp(*options, "allow=", 6) == 0)
            result = policy_allow(policy, *options + 6, message, sizeof message);
        else if (strncmp(*options, "deny=", 5) == 0)
            result = policy_deny(policy, *options + 5, message, sizeof message);
        else if (strncmp(*options, "map=", 4) == 0)
            result = policy_map(policy, *options + 4, message, sizeof message);
        if (result != 0)
            fail_msg("--%s: %s", *options, message);
    }
    return policy;
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static struct identity user(uid_t uid)
{
    return (struct identity){
        .kind = IDENTITY_USER, .source = IDENTITY_SOURCE_SOCK_DIAG, .uid = uid, .gid = (gid_t)-1};
}

static struct identity host(const char *text)
{
    struct identity identity = {.kind = IDENTITY_HOST, .uid = (uid_t)-1, .gid = (gid_t)-1};

    identity.peer.family = AF_INET;
    memset(identity.peer.address.s6_addr + 10, 0xff, 2);
    assert_int_equal(inet_pton(AF_INET, text, identity.peer.address.s6_addr + 12), 1);
    return identity;
}

static void assert_decided(enum protect_mode mode, const char *const options[],
    struct identity peer, enum account_verdict verdict, const char *rule)
{
    struct policy *policy = policy_of(mode, options);

    policy_decide(policy, &peer, &decision);
    policy_free(policy);
    if (decision.verdict != verdict)
        fail_msg("uid %d: %s (%s)", (int)peer.uid, account_verdict_text(decision.verdict),
            decision.rule);
    if (rule != NULL)
        assert_string_equal(decision.rule, rule);
    if (verdict != ACCOUNT_SERVED) {
        assert_int_equal(decision.account.uid, (uid_t)-1);
        assert_int_equal(decision.account.group_count, 0);
        assert_false(decision.as_itself);
    }
}

#define scopes(options, peer, verdict, rule)                                                       \
    assert_decided(PROTECT_SCOPES, options, peer, verdict, rule)
#define gate(options, peer, verdict, rule)                                                         \
    assert_decided(PROTECT_GATE, options, peer, verdict, rule)

#define DEFAULT "default: every local account except root"

static void by_default_local_accounts_are_served_as_themselves(void **state)
{
    (void)state;
    scopes(OPTIONS(), user(ALICE), ACCOUNT_SERVED, DEFAULT);
    assert_true(decision.as_itself);
    assert_int_equal(decision.account.uid, ALICE);
    assert_int_equal(decision.account.gid, ALICE);
    assert_int_equal(decision.account.group_count, 2);
    scopes(OPTIONS(), user(0), ACCOUNT_ROOT, DEFAULT);
    scopes(OPTIONS(), user(UNKNOWN), ACCOUNT_UNKNOWN, DEFAULT);
    scopes(OPTIONS(), host("192.0.2.7"), ACCOUNT_HOST_UNMAPPED, DEFAULT);
}

static void ids_that_are_nobodys_are_refused_first(void **state)
{
    const char *const *everybody =
        OPTIONS("allow=any", "allow=0-4294967294", "map=65534=labguest", "map=61184=labguest");
    struct identity nobody = {.kind = IDENTITY_NONE, .uid = ALICE};

    (void)state;
    scopes(everybody, nobody, ACCOUNT_NO_IDENTITY, NULL);
    gate(everybody, nobody, ACCOUNT_NO_IDENTITY, NULL);
    scopes(everybody, user((uid_t)-1), ACCOUNT_RESERVED_ID, NULL);
    scopes(everybody, user(65534), ACCOUNT_RESERVED_ID, NULL);
    scopes(everybody, user(GUARD), ACCOUNT_RESERVED_ID, NULL);
    gate(everybody, user(GUARD), ACCOUNT_RESERVED_ID, NULL);
}

static void deny_goes_before_map_before_allow(void **state)
{
    const char *const *all =
        OPTIONS("allow=alice", "allow=bob", "map=alice=labguest", "map=bob=labguest", "deny=bob");

    (void)state;
    scopes(all, user(BOB), ACCOUNT_DENIED, "--deny=bob");
    scopes(all, user(ALICE), ACCOUNT_SERVED, "--map=alice=labguest");
    assert_int_equal(decision.account.uid, LABGUEST);
    assert_false(decision.as_itself);
    scopes(all, user(STRANGER), ACCOUNT_NOT_ALLOWED, NULL);
    scopes(OPTIONS("map=bob=labguest", "allow=alice"), user(BOB), ACCOUNT_SERVED,
        "--map=bob=labguest");
    scopes(OPTIONS("map=1000-1999=labguest", "map=bob=alice"), user(BOB), ACCOUNT_SERVED,
        "--map=1000-1999=labguest");
    scopes(OPTIONS("deny=bob"), user(ALICE), ACCOUNT_SERVED, DEFAULT);
}

static void groups_are_judged_by_membership(void **state)
{
    (void)state;
    scopes(OPTIONS("deny=@staff"), user(ALICE), ACCOUNT_DENIED, "--deny=@staff");
    scopes(OPTIONS("deny=@staff"), user(BOB), ACCOUNT_SERVED, DEFAULT);
    scopes(OPTIONS("allow=@staff"), user(ALICE), ACCOUNT_SERVED, "--allow=@staff");
    scopes(OPTIONS("allow=@staff"), user(BOB), ACCOUNT_NOT_ALLOWED, NULL);
    scopes(OPTIONS("map=@2001=labguest"), user(ALICE), ACCOUNT_SERVED, "--map=@2001=labguest");
    scopes(OPTIONS("map=@2001=labguest"), user(BOB), ACCOUNT_SERVED, DEFAULT);
}

static void root_is_let_in_by_name_only(void **state)
{
    const char *const *by_chance = OPTIONS("allow=any", "allow=0-1999", "allow=@root",
        "map=any=labguest", "map=0-1999=labguest", "map=@root=labguest");

    (void)state;
    scopes(by_chance, user(0), ACCOUNT_ROOT, NULL);
    gate(by_chance, user(0), ACCOUNT_ROOT, NULL);
    gate(OPTIONS(), user(0), ACCOUNT_ROOT, DEFAULT);

    scopes(OPTIONS("allow=root"), user(0), ACCOUNT_ROOT, "--allow=root");
    gate(OPTIONS("allow=root"), user(0), ACCOUNT_SERVED, "--allow=root");
    gate(OPTIONS("allow=0"), user(0), ACCOUNT_SERVED, "--allow=0");
    scopes(OPTIONS("map=root=opsguest"), user(0), ACCOUNT_SERVED, "--map=root=opsguest");
    assert_int_equal(decision.account.uid, 1101);

    gate(OPTIONS("allow=root", "deny=any"), user(0), ACCOUNT_DENIED, "--deny=any");
    gate(OPTIONS("allow=root", "deny=0-99"), user(0), ACCOUNT_DENIED, "--deny=0-99");
    gate(OPTIONS("allow=root", "deny=@root"), user(0), ACCOUNT_DENIED, "--deny=@root");
}

static void hosts_are_served_by_map_and_gated_by_allow(void **state)
{
    (void)state;
    scopes(OPTIONS("map=192.0.2.0/24=labguest"), host("192.0.2.7"), ACCOUNT_SERVED,
        "--map=192.0.2.0/24=labguest");
    assert_int_equal(decision.account.uid, LABGUEST);
    scopes(OPTIONS("map=192.0.2.0/24=labguest"), host("192.0.3.7"), ACCOUNT_HOST_UNMAPPED, NULL);
    scopes(OPTIONS("allow=192.0.2.0/24"), host("192.0.2.7"), ACCOUNT_HOST_UNMAPPED,
        "--allow=192.0.2.0/24");
    scopes(OPTIONS("allow=any"), host("192.0.2.7"), ACCOUNT_HOST_UNMAPPED, "--allow=any");
    scopes(OPTIONS("map=192.0.2.0/24=labguest", "deny=192.0.2.7"), host("192.0.2.7"),
        ACCOUNT_DENIED, "--deny=192.0.2.7");

    gate(OPTIONS(), host("192.0.2.7"), ACCOUNT_HOST_UNMAPPED, DEFAULT);
    gate(OPTIONS("allow=192.0.2.0/24"), host("192.0.2.7"), ACCOUNT_SERVED, "--allow=192.0.2.0/24");
    gate(OPTIONS("allow=192.0.2.0/24"), host("192.0.3.7"), ACCOUNT_NOT_ALLOWED, NULL);
    gate(OPTIONS("allow=any"), host("192.0.3.7"), ACCOUNT_SERVED, "--allow=any");
    gate(OPTIONS("allow=1000-1999"), host("192.0.3.7"), ACCOUNT_NOT_ALLOWED, NULL);
}

static void a_gate_asks_the_directory_only_where_no_number_speaks(void **state)
{
    (void)state;
    gate(OPTIONS("allow=54321"), user(UNKNOWN), ACCOUNT_SERVED, "--allow=54321");
    assert_int_equal(decision.account.uid, UNKNOWN);
    gate(OPTIONS("allow=54000-54999"), user(UNKNOWN), ACCOUNT_SERVED, NULL);
    gate(OPTIONS(), user(UNKNOWN), ACCOUNT_UNKNOWN, DEFAULT);
    gate(OPTIONS(), user(ALICE), ACCOUNT_SERVED, DEFAULT);
    assert_true(decision.as_itself);
    scopes(OPTIONS("allow=54321"), user(UNKNOWN), ACCOUNT_UNKNOWN, "--allow=54321");
}

static void a_group_rule_that_cannot_be_judged_refuses(void **state)
{
    (void)state;
    gate(OPTIONS("deny=@staff", "allow=54321"), user(UNKNOWN), ACCOUNT_UNKNOWN, "--deny=@staff");
    gate(OPTIONS("map=@staff=labguest", "allow=54321"), user(UNKNOWN), ACCOUNT_UNKNOWN, NULL);
    gate(OPTIONS("allow=@staff"), user(UNKNOWN), ACCOUNT_UNKNOWN, "--allow=@staff");
    /* Another rule of the same kind may say without asking. */
    gate(OPTIONS("deny=@staff", "deny=54321"), user(UNKNOWN), ACCOUNT_DENIED, "--deny=54321");
    gate(OPTIONS("allow=@staff", "allow=54321"), user(UNKNOWN), ACCOUNT_SERVED, "--allow=54321");
}

static void assert_refused_map(const char *text)
{
    struct policy *policy = policy_new(PROTECT_SCOPES);

    message[0] = '\0';
    if (policy_map(policy, text, message, sizeof message) != -EINVAL)
        fail_msg("--map=%s was taken", text);
    assert_non_null(strstr(message, "--map="));
    policy_free(policy);
}

static void where_processes_are_sealed_root_may_be_allowed_by_name(void **state)
{
    const char *const *by_chance[] = {OPTIONS(), OPTIONS("allow=any")};
    struct identity root = user(0);
    struct policy *policy = policy_of(PROTECT_SCOPES, OPTIONS("allow=root"));

    (void)state;
    policy_serve_sealed(policy);
    policy_decide(policy, &root, &decision);
    policy_free(policy);
    assert_int_equal(decision.verdict, ACCOUNT_SERVED);
    assert_int_equal(decision.account.uid, 0);

    for (size_t i = 0; i < sizeof by_chance / sizeof by_chance[0]; i++) {
        policy = policy_of(PROTECT_SCOPES, by_chance[i]);
        policy_serve_sealed(policy);
        policy_decide(policy, &root, &decision);
        policy_free(policy);
        assert_int_equal(decision.verdict, ACCOUNT_ROOT);
    }
}

static void maps_lead_to_one_account_that_is_not_root(void **state)
{
    static const char *const wrong[] = {"alice", "alice=", "=labguest", "alice=root", "alice=0",
        "alice=user:root", "root=root", "alice=me", "alice=nosuchuser", "alice=54321",
        "alice=@staff", "alice=1000-1999", "alice=any", "alice=192.0.2.7", "alice=nobody",
        "alice=65534", "nosuchuser=alice", "alice=4294967295"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused_map(wrong[i]);
}

static void a_map_to_an_id_reserved_later_serves_nobody(void **state)
{
    struct policy *policy = policy_new(PROTECT_SCOPES);
    struct identity alice = user(ALICE);

    (void)state;
    assert_int_equal(policy_map(policy, "alice=labguest", message, sizeof message), 0);
    policy_reserve(policy, LABGUEST);
    policy_decide(policy, &alice, &decision);
    assert_int_equal(decision.verdict, ACCOUNT_RESERVED_ID);
    policy_free(policy);
}

static void assert_explained(
    enum protect_mode mode, const char *const options[], const char *who, const char *expected)
{
    struct policy *policy = policy_of(mode, options);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_int_equal(policy_explain(policy, who, out, message, sizeof message), 0);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    policy_free(policy);
}

static void explanations_of_one_peer_are_the_decision(void **state)
{
    (void)state;
    assert_explained(PROTECT_SCOPES, OPTIONS(), "alice",
        "alice (uid 1001): served as alice (uid 1001, gid 1001, groups 1001,2001) by default: "
        "every local account except root\n");
    assert_explained(PROTECT_SCOPES, OPTIONS("map=192.0.2.0/24=labguest"), "192.0.2.7",
        "192.0.2.7: served as labguest (uid 1100, gid 1100, groups 1100) by "
        "--map=192.0.2.0/24=labguest\n");
    assert_explained(PROTECT_SCOPES, OPTIONS("deny=@staff"), "1001",
        "alice (uid 1001): refused: a --deny rule names this peer (--deny=@staff)\n");
    assert_explained(PROTECT_GATE, OPTIONS("allow=1000-1999"), "bob",
        "bob (uid 1002): admitted by --allow=1000-1999\n");
    assert_explained(PROTECT_SCOPES, OPTIONS(), "54321",
        "? (uid 54321): refused: the name service knows no such account\n");
}

static void explanations_of_many_name_each_rule(void **state)
{
    const char *const *options =
        OPTIONS("deny=1500", "map=@staff=labguest", "map=192.0.2.128/25=labguest");

    (void)state;
    assert_explained(PROTECT_SCOPES, options, "1000-1999",
        "1000-1999: those in 1500: refused by --deny=1500\n"
        "1000-1999: those in @staff: served as labguest (uid 1100) by "
        "--map=@staff=labguest\n"
        "1000-1999: the rest: each served as itself by default: every local account except "
        "root\n");
    assert_explained(PROTECT_SCOPES, options, "@staff",
        "@staff: those in 1500: refused by --deny=1500\n"
        "@staff: the rest: served as labguest (uid 1100) by --map=@staff=labguest\n");
    assert_explained(PROTECT_SCOPES, options, "192.0.2.192/26",
        "192.0.2.192/26: served as labguest (uid 1100) by --map=192.0.2.128/25=labguest\n");
    assert_explained(PROTECT_SCOPES, OPTIONS("allow=alice"), "1002-1003",
        "1002-1003: refused: no --allow names this peer\n");
}

static void explanations_of_everybody_set_root_and_hosts_apart(void **state)
{
    (void)state;
    assert_explained(PROTECT_SCOPES, OPTIONS("deny=@staff"), "any",
        "root (uid 0): refused: root is let in by name only: mapped to another account, or allowed "
        "at a gate\n"
        "any: those in @staff: refused by --deny=@staff\n"
        "any: the rest: each user served as itself, hosts refused by default: every local account "
        "except root\n");
    assert_explained(PROTECT_GATE, OPTIONS("allow=root", "allow=any"), "any",
        "root (uid 0): admitted by --allow=root\n"
        "any: those in root: admitted by --allow=root\n"
        "any: the rest: admitted by --allow=any\n");
}

static void what_cannot_be_explained_has_a_message(void **state)
{
    struct policy *policy = policy_new(PROTECT_SCOPES);

    (void)state;
    assert_int_equal(
        policy_explain(policy, "nosuchuser", stdout, message, sizeof message), -EINVAL);
    assert_string_equal(message, "there is no account 'nosuchuser'");
    policy_free(policy);
}

/* Last: it takes the accounts of the test's world away, as a directory that fails does. */
static void a_directory_that_fails_refuses(void **state)
{
    struct policy *denying = policy_of(PROTECT_GATE, OPTIONS("deny=@staff", "allow=bob"));
    struct policy *plain = policy_of(PROTECT_SCOPES, OPTIONS());
    struct policy *numbers = policy_of(PROTECT_GATE, OPTIONS("allow=bob"));
    struct identity bob = user(BOB);

    (void)state;
    assert_int_equal(mount("/proc/self/mem", "/etc/group", "", MS_BIND, ""), 0);

    policy_decide(denying, &bob, &decision);
    assert_int_equal(decision.verdict, ACCOUNT_DIRECTORY_ERROR);
    assert_string_equal(decision.rule, "--deny=@staff");
    assert_int_not_equal(decision.error, 0);
    policy_decide(plain, &bob, &decision);
    assert_int_equal(decision.verdict, ACCOUNT_DIRECTORY_ERROR);
    policy_decide(numbers, &bob, &decision);
    assert_int_equal(decision.verdict, ACCOUNT_SERVED);

    policy_free(denying);
    policy_free(plain);
    policy_free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_local_accounts_are_served_as_themselves),
        cmocka_unit_test(ids_that_are_nobodys_are_refused_first),
        cmocka_unit_test(deny_goes_before_map_before_allow),
        cmocka_unit_test(groups_are_judged_by_membership),
        cmocka_unit_test(root_is_let_in_by_name_only),
        cmocka_unit_test(where_processes_are_sealed_root_may_be_allowed_by_name),
        cmocka_unit_test(hosts_are_served_by_map_and_gated_by_allow),
        cmocka_unit_test(a_gate_asks_the_directory_only_where_no_number_speaks),
        cmocka_unit_test(a_group_rule_that_cannot_be_judged_refuses),
        cmocka_unit_test(maps_lead_to_one_account_that_is_not_root),
        cmocka_unit_test(a_map_to_an_id_reserved_later_serves_nobody),
        cmocka_unit_test(explanations_of_one_peer_are_the_decision),
        cmocka_unit_test(explanations_of_many_name_each_rule),
        cmocka_unit_test(explanations_of_everybody_set_root_and_hosts_apart),
        cmocka_unit_test(what_cannot_be_explained_has_a_message),
        cmocka_unit_test(a_directory_that_fails_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
