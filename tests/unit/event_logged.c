#include "event_logged.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct policy *policy;
char log_path[4096];

static struct identity_endpoint loopback(in_port_t port)
{
    struct identity_endpoint end = {.family = AF_INET, .port = port};

    inet_pton(AF_INET6, "::ffff:127.0.0.1", &end.address);
    return end;
}

struct request event(enum event_kind kind, enum account_verdict verdict, uid_t uid)
{
    return (struct request){.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = kind,
        .verdict = verdict,
        .account_uid = (uid_t)-1,
        .peer = {.kind = IDENTITY_USER,
            .source = IDENTITY_SOURCE_SOCK_DIAG,
            .uid = uid,
            .local = loopback(8000),
            .peer = loopback(40312)}};
}

struct event_log *open_log(enum event_format format, bool verbose)
{
    struct event_log *log = NULL;

    unlink(log_path);
    assert_int_equal(event_log_open(EVENT_TO_FILE, log_path, format, verbose, &log), 0);
    return log;
}

char *contents(void)
{
    FILE *file = fopen(log_path, "r");
    char *text = NULL;
    size_t size = 0;

    assert_non_null(file);
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    fclose(file);
    return text;
}

unsigned count(const char *text, const char *part)
{
    unsigned found = 0;

    for (const char *at = text; (at = strstr(at, part)); at++)
        found++;
    return found;
}

int log_set_up(void **state)
{
    const char *directory = getenv("TMPDIR");
    char message[256];
    int file;

    (void)state;
    snprintf(log_path, sizeof log_path, "%s/event-log-XXXXXX", directory ? directory : "/tmp");
    file = mkstemp(log_path);
    if (file < 0)
        return -1;
    close(file);
    policy = policy_new(PROTECT_SCOPES);
    return policy_deny(policy, "bob", message, sizeof message);
}

int log_tear_down(void **state)
{
    (void)state;
    unlink(log_path);
    policy_free(policy);
    return 0;
}
