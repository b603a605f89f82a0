#include "account/nss.h"
#include "escape.h"
#include "peer_facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, LONGEST_NAME = 256 };

static void json_cleanup(json_t **value)
{
    json_decref(*value);
}

#define cleanup_json __attribute__((cleanup(json_cleanup)))

/* JSON's null for what has no name. */
static json_t *name_or_null(int looked_up, const char *name)
{
    char printable[ESCAPE_FACTOR * LONGEST_NAME];

    if (looked_up < 0)
        return json_null();
    return json_string(escape_text(printable, sizeof printable, name));
}

static json_t *user_name(uid_t uid)
{
    char name[LONGEST_NAME];

    return name_or_null(account_user_name(uid, name, sizeof name), name);
}

static json_t *group_name(gid_t gid)
{
    char name[LONGEST_NAME];

    return name_or_null(account_group_name(gid, name, sizeof name), name);
}

static int append_group(json_t *list, gid_t gid)
{
    return json_array_append_new(
        list, json_pack("{s:I, s:o}", "gid", (json_int_t)gid, "name", group_name(gid)));
}

/* In id(1)'s order: the account's own group first. */
static json_t *group_list(const struct account *account)
{
    cleanup_json json_t *list = json_array();

    if (append_group(list, account->gid) < 0)
        return NULL;
    for (unsigned i = 0; i < account->group_count; i++)
        if (account->groups[i] != account->gid && append_group(list, account->groups[i]) < 0)
            return NULL;
    return json_incref(list);
}

/* "127.0.0.1:8000", "[::1]:8000"; null for AF_UNIX, whose ends have no address of use. */
static json_t *endpoint(const struct identity_endpoint *end)
{
    char address[INET6_ADDRSTRLEN];
    bool six = end->family == AF_INET6;

    if (!six && end->family != AF_INET)
        return json_null();
    return json_sprintf("%s%s%s:%u", six ? "[" : "", id_address(end, address, sizeof address),
        six ? "]" : "", end->port);
}

static const char *kind_name(enum identity_kind kind)
{
    switch (kind) {
    case IDENTITY_USER:
        return "user";
    case IDENTITY_HOST:
        return "host";
    case IDENTITY_NONE:
        break;
    }
    return "none";
}

static json_t *number_or_null(bool known, uint32_t number)
{
    return known ? json_integer(number) : json_null();
}

static json_t *reason(const struct peer_facts *facts)
{
    if (facts->identity.kind == IDENTITY_NONE)
        return json_string(identity_reason_text(facts->identity.reason));
    if (facts->identity.kind == IDENTITY_USER && facts->verdict != ACCOUNT_SERVED)
        return json_string(account_verdict_text(facts->verdict));
    return json_null();
}

struct member {
    const char *name;
    json_t *value; /* given to the object */
};

static json_t *make_object(const struct member *members, size_t count)
{
    cleanup_json json_t *object = json_object();
    int failed = 0;

    for (size_t i = 0; i < count; i++)
        failed |= json_object_set_new(object, members[i].name, members[i].value);
    return failed == 0 ? json_incref(object) : NULL;
}

static json_t *describe(const struct peer_facts *facts)
{
    const struct identity *identity = &facts->identity;
    const struct account *account = &facts->account;
    bool user = identity->kind == IDENTITY_USER;
    bool groups = user && facts->verdict == ACCOUNT_SERVED;
    const struct member members[] = {
        {"version", json_integer(SCHEMA_VERSION)},
        {"kind", json_string(kind_name(identity->kind))},
        {"source", json_string(identity_source_name(identity->source))},
        {"uid", number_or_null(user, identity->uid)},
        {"user", user ? user_name(identity->uid) : json_null()},
        {"gid", number_or_null(groups, account->gid)},
        {"group", groups ? group_name(account->gid) : json_null()},
        {"groups", groups ? group_list(account) : json_null()},
        {"pid", number_or_null(identity->pid > 0, (uint32_t)identity->pid)},
        {"local", endpoint(&identity->local)},
        {"peer", endpoint(&identity->peer)},
        {"reason", reason(facts)},
    };

    return make_object(members, sizeof members / sizeof *members);
}

int id_print_json(const struct peer_facts *facts)
{
    cleanup_json json_t *object = describe(facts);

    if (object == NULL)
        return -ENOMEM;
    if (json_dumpf(object, stdout, JSON_PRESERVE_ORDER) < 0)
        return -ENOMEM;
    putchar('\n');
    return 0;
}
