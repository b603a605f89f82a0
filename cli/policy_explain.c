#include "account/nss.h"
#include "escape.h"
#include "policy_rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { LONGEST_NAME = 128 };

/* "alice" as it may be printed, or "?" for an id without a name. */
static const char *printable_name(uid_t uid, char *name, size_t size)
{
    char raw[LONGEST_NAME];

    if (account_user_name(uid, raw, sizeof raw) < 0)
        snprintf(raw, sizeof raw, "?");
    return escape_text(name, size, raw);
}

static void print_account(const struct account *account, FILE *out)
{
    char name[LONGEST_NAME];

    fprintf(out, "%s (uid %u, gid %u, groups ", printable_name(account->uid, name, sizeof name),
        account->uid, account->gid);
    for (unsigned i = 0; i < account->group_count; i++)
        fprintf(out, "%s%u", i > 0 ? "," : "", account->groups[i]);
    fprintf(out, ")");
}

static void print_rule(const char *rule, FILE *out)
{
    char text[4 * LONGEST_NAME];

    fprintf(out, "%s", escape_text(text, sizeof text, rule));
}

static void print_admitted(
    const struct policy *policy, const struct policy_decision *decision, FILE *out)
{
    char name[LONGEST_NAME];

    if (policy->mode == PROTECT_SCOPES) {
        fprintf(out, "served as ");
        print_account(&decision->account, out);
    } else if (decision->as_itself) {
        fprintf(out, "admitted");
    } else {
        fprintf(out, "admitted as %s (uid %u)",
            printable_name(decision->account.uid, name, sizeof name), decision->account.uid);
    }
    fprintf(out, " by ");
    print_rule(decision->rule, out);
}

static void print_refused(const struct policy_decision *decision, FILE *out)
{
    fprintf(out, "refused: %s", account_verdict_text(decision->verdict));
    if (decision->error != 0)
        fprintf(out, ": %s", strerror(decision->error));
    if (strncmp(decision->rule, "--", 2) == 0) {
        fprintf(out, " (");
        print_rule(decision->rule, out);
        fprintf(out, ")");
    }
}

static void explain_peer(
    const struct policy *policy, const struct identity *peer, const char *label, FILE *out)
{
    struct policy_decision decision;

    policy_decide(policy, peer, &decision);
    fprintf(out, "%s: ", label);
    if (decision.verdict == ACCOUNT_SERVED)
        print_admitted(policy, &decision, out);
    else
        print_refused(&decision, out);
    fprintf(out, "\n");
}

static void explain_user(const struct policy *policy, uid_t uid, FILE *out)
{
    struct identity peer = {.kind = IDENTITY_USER, .uid = uid, .gid = (gid_t)-1};
    char name[LONGEST_NAME], label[2 * LONGEST_NAME];

    snprintf(label, sizeof label, "%s (uid %u)", printable_name(uid, name, sizeof name), uid);
    explain_peer(policy, &peer, label, out);
}

static void explain_host(const struct policy *policy, const struct who *who, FILE *out)
{
    struct identity peer = {.kind = IDENTITY_HOST,
        .source = IDENTITY_SOURCE_HOST,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
        .peer = {.family = who->family, .address = who->network}};
    char label[INET6_ADDRSTRLEN];

    inet_ntop(
        who->family, who->network.s6_addr + (who->family == AF_INET ? 12 : 0), label, sizeof label);
    explain_peer(policy, &peer, label, out);
}

/* How much of the peers that `asked` names does `rule` speak for? */
enum coverage { COVERS_NONE, COVERS_SOME, COVERS_ALL };

static enum coverage users_coverage(const struct who *rule, const struct who *asked)
{
    if (rule->first <= asked->first && asked->last <= rule->last)
        return COVERS_ALL;
    return rule->last < asked->first || asked->last < rule->first ? COVERS_NONE : COVERS_SOME;
}

static enum coverage network_coverage(const struct who *rule, const struct who *asked)
{
    if (rule->prefix_length <= asked->prefix_length)
        return who_network_holds(rule, asked->family, &asked->network) ? COVERS_ALL : COVERS_NONE;
    return who_network_holds(asked, rule->family, &rule->network) ? COVERS_SOME : COVERS_NONE;
}

static enum coverage coverage_of(const struct who *rule, const struct who *asked)
{
    bool hosts = asked->kind == WHO_NETWORK;

    if (rule->kind == WHO_ANY)
        return COVERS_ALL;
    if (asked->kind == WHO_ANY)
        return COVERS_SOME;
    if (hosts != (rule->kind == WHO_NETWORK))
        return COVERS_NONE;
    if (hosts)
        return network_coverage(rule, asked);
    if (rule->kind == WHO_USERS && asked->kind == WHO_USERS)
        return users_coverage(rule, asked);
    if (rule->kind == WHO_GROUP && asked->kind == WHO_GROUP && rule->gid == asked->gid)
        return COVERS_ALL;
    return COVERS_SOME; /* who is in a group is known only of one user at a time */
}

struct set {
    const struct policy *policy;
    const struct who *who;
    const char *label;
    FILE *out;
    bool begun; /* an earlier line spoke for some */
};

/* Of "--map=@staff=labguest" the peers: "@staff". */
static void print_peers(const struct rule *rule, bool map, FILE *out)
{
    char who[2 * LONGEST_NAME], text[ESCAPE_FACTOR * sizeof who], *equals;

    snprintf(who, sizeof who, "%s", strchr(rule->text, '=') + 1);
    equals = map ? strrchr(who, '=') : NULL;
    if (equals != NULL)
        *equals = '\0';
    fprintf(out, "%s", escape_text(text, sizeof text, who));
}

static void begin_line(struct set *set, const struct rule *rule, bool map, bool all)
{
    fprintf(set->out, "%s: ", set->label);
    if (!all) {
        fprintf(set->out, "those in ");
        print_peers(rule, map, set->out);
        fprintf(set->out, ": ");
    } else if (set->begun) {
        fprintf(set->out, "the rest: ");
    }
    set->begun = true;
}

/* One line for each rule that speaks for some; returns true at one that speaks for all. */
static bool explain_rules(struct set *set, const struct rules *rules, const char *outcome)
{
    bool map = rules == &set->policy->map;
    char name[LONGEST_NAME];

    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->list[i];
        enum coverage coverage = coverage_of(&rule->who, set->who);

        if (coverage == COVERS_NONE)
            continue;
        begin_line(set, rule, map, coverage == COVERS_ALL);
        fprintf(set->out, "%s", outcome);
        if (map)
            fprintf(set->out, "%s (uid %u)", printable_name(rule->account, name, sizeof name),
                rule->account);
        fprintf(set->out, " by ");
        print_rule(rule->text, set->out);
        fprintf(set->out, "\n");
        if (coverage == COVERS_ALL)
            return true;
    }
    return false;
}

/* What an --allow or the default does for the set; of `any`, the hosts may fare otherwise. */
static const char *admission(const struct set *set, bool by_default)
{
    bool scopes = set->policy->mode == PROTECT_SCOPES;

    if (set->who->kind == WHO_ANY && scopes)
        return "each user served as itself, hosts refused";
    if (set->who->kind == WHO_ANY && by_default)
        return "users admitted, hosts refused";
    return scopes ? "each served as itself" : "admitted";
}

static void explain_default(struct set *set)
{
    const struct policy *policy = set->policy;
    bool hosts = set->who->kind == WHO_NETWORK;

    fprintf(set->out, "%s: %s", set->label, set->begun ? "the rest: " : "");
    if (policy->allow.count > 0 && !(hosts && policy->mode == PROTECT_SCOPES))
        fprintf(set->out, "refused: %s\n", account_verdict_text(ACCOUNT_NOT_ALLOWED));
    else if (hosts)
        fprintf(set->out, "refused: %s\n", account_verdict_text(ACCOUNT_HOST_UNMAPPED));
    else
        fprintf(set->out, "%s by %s\n", admission(set, true), POLICY_DEFAULT_RULE);
}

static void explain_set(struct set *set)
{
    const struct policy *policy = set->policy;
    bool scopes = policy->mode == PROTECT_SCOPES;

    if (explain_rules(set, &policy->deny, "refused"))
        return;
    if (explain_rules(set, &policy->map, scopes ? "served as " : "admitted as "))
        return;
    /* A host is served as somebody only by a map. */
    if (!(scopes && set->who->kind == WHO_NETWORK) &&
        explain_rules(set, &policy->allow, admission(set, false)))
        return;
    explain_default(set);
}

int policy_explain(
    const struct policy *policy, const char *who, FILE *out, char *message, size_t size)
{
    struct who asked;
    char label[4 * LONGEST_NAME];
    struct set set = {.policy = policy, .who = &asked, .label = label, .out = out};

    if (who_parse(who, &asked, message, size) < 0)
        return -EINVAL;
    escape_text(label, sizeof label, who);
    if (asked.kind == WHO_USERS && asked.first == asked.last) {
        explain_user(policy, asked.first, out);
    } else if (asked.kind == WHO_NETWORK && asked.prefix_length == 128) {
        explain_host(policy, &asked, out);
    } else {
        if (asked.kind == WHO_ANY || (asked.kind == WHO_USERS && asked.first == 0))
            explain_user(policy, 0, out);
        explain_set(&set);
    }
    return 0;
}
