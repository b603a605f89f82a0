#include "event.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>

enum { SCHEMA_VERSION = 1 };

static const char *verdict_name(enum account_verdict verdict)
{
    static const char *const names[] = {
        [ACCOUNT_SERVED] = "served",
        [ACCOUNT_NO_IDENTITY] = "no-identity",
        [ACCOUNT_DENIED] = "denied",
        [ACCOUNT_NOT_ALLOWED] = "not-allowed",
        [ACCOUNT_ROOT] = "root",
        [ACCOUNT_HOST_UNMAPPED] = "host-unmapped",
        [ACCOUNT_UNKNOWN] = "unknown-account",
        [ACCOUNT_DIRECTORY_ERROR] = "directory-error",
        [ACCOUNT_RESERVED_ID] = "reserved-id",
        [ACCOUNT_TOO_MANY_GROUPS] = "too-many-groups",
        [ACCOUNT_NO_RESOLVER] = "no-resolver",
        [ACCOUNT_NO_PRIVILEGE] = "no-privilege",
        [ACCOUNT_SWITCH_FAILED] = "switch-failed",
        [ACCOUNT_SEVERAL_THREADS] = "several-threads",
        [ACCOUNT_INHERITS_ORPHANS] = "inherits-orphans",
        [ACCOUNT_HAS_ITS_SHARE] = "has-its-share",
        [ACCOUNT_ANOTHERS] = "anothers",
        [ACCOUNT_OF_INSTANCES] = "of-instances",
        [ACCOUNT_NO_INSTANCE] = "no-instance",
    };

    return verdict < sizeof names / sizeof names[0] ? names[verdict] : "unknown";
}

/* What is empty is left out. */
static void add_text(json_t *object, const char *key, const char *text)
{
    if (*text)
        json_object_set_new(object, key, json_string(text));
}

static void add_end(json_t *object, const struct identity_endpoint *end, bool with_port)
{
    char address[INET6_ADDRSTRLEN];

    add_text(object, "address", event_address(end, address, sizeof address));
    if (*address && with_port)
        json_object_set_new(object, "port", json_integer(end->port));
}

static json_t *describe_user(uid_t uid, const char *name)
{
    json_t *user = json_object();

    json_object_set_new(user, "uid", json_integer(uid));
    add_text(user, "user", name);
    return user;
}

static json_t *describe_peer(const struct event *event)
{
    static const char *const kinds[] = {
        [IDENTITY_NONE] = "none", [IDENTITY_USER] = "user", [IDENTITY_HOST] = "host"};
    const struct identity *identity = &event->request->peer;
    json_t *peer = identity->kind == IDENTITY_USER ? describe_user(identity->uid, event->peer_name)
                                                   : json_object();

    json_object_set_new(peer, "kind", json_string(kinds[identity->kind]));
    json_object_set_new(peer, "source", json_string(identity_source_name(identity->source)));
    if (identity->pid > 0)
        json_object_set_new(peer, "pid", json_integer(identity->pid));
    add_end(peer, &identity->peer, event->repeated == 0);
    return peer;
}

static void add_request(json_t *object, const struct event *event)
{
    const struct request *request = event->request;

    if (request->event <= EVENT_OBSERVED) {
        json_t *local = json_object();

        add_end(local, &request->peer.local, true);
        json_object_set_new(object, "peer", describe_peer(event));
        json_object_set_new(object, "local", local);
        json_object_set_new(object, "verdict", json_string(verdict_name(request->verdict)));
    }
    if (request->account_uid != (uid_t)-1)
        json_object_set_new(
            object, "account", describe_user(request->account_uid, event->account_name));
    if (request->error)
        json_object_set_new(object, "error", json_integer(request->error));
    add_text(object, "reason", event->reason);
    add_text(object, "rule", event->rule);
    add_text(object, "detail", event->detail);
}

static json_t *describe_time(const struct timespec *time)
{
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");

    if (out) {
        event_write_time(time, out);
        fclose(out);
    }
    return json_string(text);
}

void event_write_json(const struct event *event, FILE *out)
{
    json_t *object = json_object();

    json_object_set_new(object, "version", json_integer(SCHEMA_VERSION));
    json_object_set_new(object, "time", describe_time(&event->time));
    json_object_set_new(object, "event", json_string(event->name));
    if (event->pid)
        json_object_set_new(object, "pid", json_integer(event->pid));
    add_text(object, "command", event->command);
    if (event->request)
        add_request(object, event);
    else
        add_text(object, "message", event->text);
    if (event->repeated) {
        json_object_set_new(object, "repeated", json_integer(event->repeated));
        json_object_set_new(object, "seconds", json_integer(event->seconds));
    }
    json_dumpf(object, out, JSON_COMPACT);
    json_decref(object);
}
