#include "policy.h"

#include "account/nss.h"
#include "cleanup.h"
#include "policy_rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct policy *policy_new(enum protect_mode mode)
{
    struct policy *policy = calloc(1, sizeof *policy);

    if (policy != NULL)
        policy->mode = mode;
    return policy;
}

static void free_rules(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->list[i].text);
    free(rules->list);
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    free_rules(&policy->deny);
    free_rules(&policy->map);
    free_rules(&policy->allow);
    free(policy);
}

/* --- reading the options --- */

__attribute__((format(printf, 3, 4))) static int refuse(
    char *message, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int append(struct rules *rules, const struct rule *rule, const char *option,
    const char *text, char *message, size_t size)
{
    struct rule *list = reallocarray(rules->list, rules->count + 1, sizeof *list);
    struct rule *added;

    if (list == NULL)
        return refuse(message, size, "--%s=%s: out of memory", option, text);
    rules->list = list;
    added = &list[rules->count];
    *added = *rule;
    if (asprintf(&added->text, "--%s=%s", option, text) < 0)
        return refuse(message, size, "--%s=%s: out of memory", option, text);
    rules->count++;
    return 0;
}

static int add_who(
    struct rules *rules, const char *option, const char *text, char *message, size_t size)
{
    struct rule rule = {.account = (uid_t)-1};
    char why[256];

    if (who_parse(text, &rule.who, why, sizeof why) < 0)
        return refuse(message, size, "--%s=%s: %s", option, text, why);
    return append(rules, &rule, option, text, message, size);
}

int policy_allow(struct policy *policy, const char *who, char *message, size_t size)
{
    return add_who(&policy->allow, "allow", who, message, size);
}

int policy_deny(struct policy *policy, const char *who, char *message, size_t size)
{
    return add_who(&policy->deny, "deny", who, message, size);
}

/* The account behind the `=` of a map: exactly one that exists, and not root. */
static int parse_target(const char *text, uid_t *uid, char *message, size_t size)
{
    struct who who;
    enum account_verdict verdict;
    int error;

    if (who_parse(text, &who, message, size) < 0)
        return -EINVAL;
    if (!who_may_name_root(&who))
        return refuse(message, size, "'%s' is not one account; write its name or number", text);
    if (who.first == 0)
        return refuse(message, size,
            "nobody is served as root; name an account that has the rights which are needed");
    verdict = account_ids_of_uid(who.first, NULL, &error);
    if (verdict == ACCOUNT_DIRECTORY_ERROR)
        return refuse(message, size, "cannot look up '%s': the name service failed (%s)", text,
            strerror(error));
    if (verdict != ACCOUNT_SERVED)
        return refuse(
            message, size, "cannot serve as '%s': %s", text, account_verdict_text(verdict));
    *uid = who.first;
    return 0;
}

int policy_map(struct policy *policy, const char *who_and_account, char *message, size_t size)
{
    const char *equals = strrchr(who_and_account, '=');
    struct rule rule = {.account = (uid_t)-1};
    cleanup_memory char *who = NULL;
    char why[256];

    if (equals == NULL)
        return refuse(message, size,
            "--map=%s: names no account to serve as; write --map=WHO=ACCOUNT", who_and_account);
    who = strndup(who_and_account, (size_t)(equals - who_and_account));
    if (who == NULL)
        return refuse(message, size, "--map=%s: out of memory", who_and_account);
    if (who_parse(who, &rule.who, why, sizeof why) < 0 ||
        parse_target(equals + 1, &rule.account, why, sizeof why) < 0)
        return refuse(message, size, "--map=%s: %s", who_and_account, why);
    return append(&policy->map, &rule, "map", who_and_account, message, size);
}

void policy_serve_sealed(struct policy *policy)
{
    policy->seals = true;
}

void policy_reserve(struct policy *policy, uid_t uid)
{
    /* To forget one would let a peer be the guard. */
    if (policy->reserved_count == POLICY_MAX_RESERVED)
        abort();
    policy->reserved[policy->reserved_count++] = uid;
}

/* --- deciding --- */

struct question {
    const struct policy *policy;
    const struct identity *peer;
    struct who_membership membership;
};

static bool is_reserved(const struct policy *policy, uid_t id)
{
    for (unsigned i = 0; i < policy->reserved_count; i++)
        if (policy->reserved[i] == id)
            return true;
    return false;
}

/* The guard's group has the guard's number. */
static bool holds_reserved_id(const struct policy *policy, const struct account *account)
{
    if (is_reserved(policy, account->uid) || is_reserved(policy, account->gid))
        return true;
    for (unsigned i = 0; i < account->group_count; i++)
        if (is_reserved(policy, account->groups[i]))
            return true;
    return false;
}

static void decide(struct policy_decision *decision, enum account_verdict verdict, const char *rule)
{
    decision->verdict = verdict;
    snprintf(decision->rule, sizeof decision->rule, "%s", rule);
}

/*
 * Looks for the first rule that names the peer. `admits`: what it finds lets the peer in, so root
 * must be named singly. WHO_UNCERTAIN: the rule given back could not be judged.
 */
static enum who_answer find_rule(
    const struct rules *rules, struct question *question, bool admits, const struct rule **found)
{
    bool root = question->peer->kind == IDENTITY_USER && question->peer->uid == 0;

    for (size_t i = 0; i < rules->count; i++) {
        enum who_answer answer;

        *found = &rules->list[i];
        if (admits && root && !who_may_name_root(&(*found)->who))
            continue;
        answer = who_matches(&(*found)->who, question->peer, &question->membership);
        if (answer != WHO_NO)
            return answer;
    }
    *found = NULL;
    return WHO_NO;
}

/* Among rules that all do the same, one that needs no directory is as good as one that does. */
static enum who_answer find_any_rule(
    const struct rules *rules, struct question *question, bool admits, const struct rule **found)
{
    const struct rule *uncertain = NULL;
    struct rules rest = *rules;

    while (rest.count > 0) {
        enum who_answer answer = find_rule(&rest, question, admits, found);

        if (answer == WHO_YES)
            return WHO_YES;
        if (answer == WHO_NO)
            break;
        if (uncertain == NULL)
            uncertain = *found;
        rest.count -= (size_t)(*found - rest.list) + 1;
        rest.list += *found - rest.list + 1;
    }
    *found = uncertain;
    return uncertain != NULL ? WHO_UNCERTAIN : WHO_NO;
}

static void refuse_uncertain(
    const struct question *question, const struct rule *rule, struct policy_decision *decision)
{
    decide(decision, question->membership.verdict, rule->text);
    decision->error = question->membership.error;
}

/* Serves as `uid`: with every group, or at a gate, where nobody becomes anybody, as a number. */
static void serve_as(const struct policy *policy, uid_t uid, bool known, const char *rule,
    struct policy_decision *decision)
{
    enum account_verdict verdict = ACCOUNT_SERVED;

    if (policy->mode == PROTECT_SCOPES)
        verdict = account_of_uid(uid, &decision->account, &decision->error);
    else if (!known)
        verdict = account_ids_of_uid(uid, NULL, &decision->error);
    if (verdict == ACCOUNT_SERVED) {
        decision->account.uid = uid;
        if (holds_reserved_id(policy, &decision->account))
            verdict = ACCOUNT_RESERVED_ID;
    }
    decide(decision, verdict, rule);
}

static void decide_allowed(
    const struct question *question, const struct rule *rule, struct policy_decision *decision)
{
    const struct policy *policy = question->policy;
    const struct identity *peer = question->peer;
    const char *text = rule != NULL ? rule->text : POLICY_DEFAULT_RULE;
    bool gated = policy->mode != PROTECT_SCOPES;

    decision->as_itself = true;
    if (peer->kind == IDENTITY_HOST)
        decide(decision, gated && rule != NULL ? ACCOUNT_SERVED : ACCOUNT_HOST_UNMAPPED, text);
    else if (peer->uid == 0 && (!(gated || policy->seals) || rule == NULL))
        decide(decision, ACCOUNT_ROOT, text);
    else
        serve_as(policy, peer->uid, rule != NULL && rule->who.kind == WHO_USERS, text, decision);
}

static void decide_unnamed(const struct question *question, struct policy_decision *decision)
{
    const struct identity *peer = question->peer;

    if (peer->kind == IDENTITY_USER && peer->uid == 0)
        decide(decision, ACCOUNT_ROOT, "no rule names root");
    else if (peer->kind == IDENTITY_HOST && question->policy->mode == PROTECT_SCOPES)
        decide(decision, ACCOUNT_HOST_UNMAPPED, "no --map names this host");
    else
        decide(decision, ACCOUNT_NOT_ALLOWED, "no --allow names this peer");
}

/* Deny, map, allow, default. */
static void decide_by_rules(struct question *question, struct policy_decision *decision)
{
    const struct policy *policy = question->policy;
    const struct rule *rule;
    enum who_answer answer = find_any_rule(&policy->deny, question, false, &rule);

    if (answer == WHO_YES) {
        decide(decision, ACCOUNT_DENIED, rule->text);
        return;
    }
    if (answer == WHO_NO)
        answer = find_rule(&policy->map, question, true, &rule);
    if (answer == WHO_YES) {
        serve_as(policy, rule->account, true, rule->text, decision);
        return;
    }
    if (answer == WHO_NO)
        answer = find_any_rule(&policy->allow, question, true, &rule);
    if (answer == WHO_UNCERTAIN)
        refuse_uncertain(question, rule, decision);
    else if (answer == WHO_YES || policy->allow.count == 0)
        decide_allowed(question, rule, decision);
    else
        decide_unnamed(question, decision);
}

void policy_decide(
    const struct policy *policy, const struct identity *peer, struct policy_decision *decision)
{
    struct question question = {.policy = policy, .peer = peer};

    memset(decision, 0, sizeof *decision);
    decision->account.uid = (uid_t)-1;
    decision->account.gid = (gid_t)-1;
    if (peer->kind != IDENTITY_USER && peer->kind != IDENTITY_HOST)
        decide(decision, ACCOUNT_NO_IDENTITY, "no identity is nobody");
    else if (peer->kind == IDENTITY_USER &&
             (account_uid_is_reserved(peer->uid) || is_reserved(policy, peer->uid)))
        decide(decision, ACCOUNT_RESERVED_ID, "an id that is nobody's");
    else
        decide_by_rules(&question, decision);

    if (decision->verdict != ACCOUNT_SERVED) {
        decision->as_itself = false;
        decision->account = (struct account){.uid = (uid_t)-1, .gid = (gid_t)-1};
    }
}
