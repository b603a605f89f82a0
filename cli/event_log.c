#include "event_log.h"

#include "account/nss.h"
#include "cleanup.h"
#include "clock.h"
#include "escape.h"
#include "event.h"
#include "event_flood.h"
#include "event_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

struct event_log {
    struct event_sink sink;
    enum event_target target;
    enum event_format format;
    bool verbose;
    const struct policy *policy; /* the one of the last report: for the summaries */
    unsigned long lost;          /* lines that could not be written, since one last could */
    struct flood flood;
    const char *const *only; /* what --only said, only_count of them */
    unsigned only_count;
    unsigned named; /* bit n: a socket is only[n] */
    bool has_socket;
};

static const char *const names[] = {
    [EVENT_SERVED] = "served",
    [EVENT_REFUSED] = "refused",
    [EVENT_OBSERVED] = "observed",
    [EVENT_EVENT_LOOP] = "event-loop",
    [EVENT_SERVING] = "serving",
    [EVENT_SERVER_IDS] = "server-ids",
    [EVENT_CALL_DENIED] = "call-denied",
    [EVENT_ALL_BUSY] = "all-busy",
    [EVENT_SWITCH_LOST] = "switch-lost",
    [EVENT_UNTOUCHED] = "untouched",
    [EVENT_NO_ROOT] = "no-root",
};

int event_log_open(enum event_target target, const char *path, enum event_format format,
    bool verbose, struct event_log **log)
{
    cleanup_memory struct event_log *opened = calloc(1, sizeof *opened);
    int error;

    if (!opened)
        return -ENOMEM;
    opened->target = target;
    opened->format = format;
    opened->verbose = verbose;
    error = event_sink_open(&opened->sink, target, path);
    if (error < 0)
        return error;
    *log = memory_steal(&opened);
    return 0;
}

int event_log_descriptor(const struct event_log *log)
{
    return log->sink.descriptor;
}

/* Text has its origin, and its time where nobody else adds one; JSON has them inside. */
static void compose(const struct event_log *log, const struct event *event, FILE *out)
{
    if (log->format == EVENT_AS_JSON) {
        event_write_json(event, out);
    } else {
        if (log->target == EVENT_TO_FILE) {
            event_write_time(&event->time, out);
            fputc(' ', out);
        }
        if (log->target != EVENT_TO_SYSLOG)
            fprintf(out, "wsapeer: ");
        event_write_text(event, out);
    }
    fputc('\n', out);
}

static bool write_event(struct event_log *log, struct event *event, int level)
{
    cleanup_memory char *line = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);

    if (!out)
        return false;
    clock_gettime(CLOCK_REALTIME, &event->time);
    compose(log, event, out);
    if (fclose(out) != 0)
        return false;
    return event_sink_write(&log->sink, line, length, LOG_DAEMON | level);
}

static void emit(struct event_log *log, struct event *event, int level)
{
    if (log->lost > 0) {
        char text[96];
        struct event gap = {.name = "lost", .text = text};

        snprintf(text, sizeof text, "%lu lines could not be written and are lost", log->lost);
        if (write_event(log, &gap, LOG_WARNING))
            log->lost = 0;
    }
    if (log->lost > 0 || !write_event(log, event, level))
        log->lost++;
}

/* Of a process that may be the peer's or may have gone: only a hint, and escaped. */
static void find_command(pid_t pid, char command[EVENT_NAME_SIZE])
{
    char path[48], name[32] = "";
    cleanup_descriptor int file = -1;
    ssize_t length;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    file = open(path, O_RDONLY | O_CLOEXEC);
    length = file < 0 ? 0 : read(file, name, sizeof name - 1);
    if (length > 0 && name[length - 1] == '\n')
        name[length - 1] = '\0';
    escape_text(command, EVENT_NAME_SIZE, *name ? name : "process");
}

static void find_name(uid_t uid, char name[EVENT_NAME_SIZE])
{
    char found[EVENT_NAME_SIZE];

    name[0] = '\0';
    if (uid != (uid_t)-1 && account_user_name(uid, found, sizeof found) == 0)
        escape_text(name, EVENT_NAME_SIZE, found);
}

/* Asks policy once more, where it was a rule that decided, to name it. */
static void find_rule(const struct request *request, const struct policy *policy, char *rule)
{
    struct policy_decision decision;

    if (request->verdict != ACCOUNT_DENIED && request->verdict != ACCOUNT_NOT_ALLOWED &&
        request->verdict != ACCOUNT_ROOT && request->verdict != ACCOUNT_HOST_UNMAPPED)
        return;
    policy_decide(policy, &request->peer, &decision);
    if (decision.verdict == (enum account_verdict)request->verdict)
        escape_text(rule, EVENT_RULE_SIZE, decision.rule);
}

static void find_reason(const struct request *request, const char *rule, char *reason)
{
    const char *text = account_verdict_text(request->verdict);
    int error = request->error;

    if (request->verdict == ACCOUNT_DENIED && *rule) {
        snprintf(reason, EVENT_REASON_SIZE, "denied by %s", rule);
        return;
    }
    if (request->verdict == ACCOUNT_NO_IDENTITY && request->peer.reason) {
        text = identity_reason_text(request->peer.reason);
        error = request->peer.error;
    }
    snprintf(
        reason, EVENT_REASON_SIZE, "%s%s%s", text, error ? ": " : "", error ? strerror(error) : "");
}

static bool is_about_peer(const struct request *request)
{
    return request->event <= EVENT_OBSERVED;
}

static int level_of(const struct request *request)
{
    if (request->event == EVENT_SWITCH_LOST)
        return LOG_ERR;
    return request->event == EVENT_REFUSED ? LOG_NOTICE : LOG_INFO;
}

static void write_request(struct event_log *log, const struct request *request, pid_t pid,
    unsigned repeated, unsigned seconds)
{
    struct event event = {.name = names[request->event],
        .pid = pid,
        .request = request,
        .text = "",
        .repeated = repeated,
        .seconds = seconds};
    char detail[sizeof request->detail + 1] = "";

    find_command(pid, event.command);
    find_name(request->account_uid, event.account_name);
    if (is_about_peer(request) && request->peer.kind == IDENTITY_USER)
        find_name(request->peer.uid, event.peer_name);
    if (is_about_peer(request) && request->verdict != ACCOUNT_SERVED) {
        find_rule(request, log->policy, event.rule);
        find_reason(request, event.rule, event.reason);
    }
    memcpy(detail, request->detail, sizeof request->detail);
    escape_text(event.detail, sizeof event.detail, detail);
    emit(log, &event, level_of(request));
}

static void write_summary(struct event_log *log, const struct flood_entry *entry, int64_t now)
{
    unsigned seconds = (unsigned)((now - entry->since + 999) / 1000);

    write_request(log, &entry->first, entry->pid, entry->count, seconds);
}

static bool is_wanted(const struct event_log *log, const struct request *request)
{
    if (request->event == EVENT_NAMED)
        return false;
    return log->verbose || (request->event != EVENT_SERVED && request->event != EVENT_SERVING);
}

void event_log_report(
    struct event_log *log, const struct request *request, pid_t pid, const struct policy *policy)
{
    struct flood_entry forgotten;
    int64_t now = clock_now();

    if (request->event == EVENT_NAMED || request->event == EVENT_UNTOUCHED)
        log->has_socket = true;
    if (request->event == EVENT_NAMED && request->error >= 0 && request->error < ONLY_MOST)
        log->named |= 1u << request->error;
    if (!is_wanted(log, request))
        return;
    log->policy = policy;
    event_log_tick(log);
    if (request->event != EVENT_SERVED) {
        if (flood_counts(&log->flood, request, pid))
            return;
        if (flood_remember(&log->flood, request, pid, now, &forgotten))
            write_summary(log, &forgotten, now);
    }
    write_request(log, request, pid, 0, 0);
}

void event_log_notice(struct event_log *log, const char *name, pid_t pid, const char *text)
{
    cleanup_memory char *escaped = malloc(strlen(text) * ESCAPE_FACTOR + 1);
    struct event event = {.name = name, .pid = pid};

    event.text = escaped ? escape_text(escaped, strlen(text) * ESCAPE_FACTOR + 1, text) : "";
    emit(log, &event, LOG_WARNING);
}

int event_log_tick(struct event_log *log)
{
    int64_t now = clock_now(), next;
    struct flood_entry over;

    while (flood_take(&log->flood, now, &over))
        write_summary(log, &over, now);
    next = flood_next(&log->flood);
    return next < 0 ? -1 : (int)(next - now);
}

void event_log_expect(struct event_log *log, const char *const only[], unsigned count)
{
    log->only = only;
    log->only_count = count;
}

static void tell_unnamed(struct event_log *log)
{
    for (unsigned i = 0; log->has_socket && i < log->only_count; i++) {
        char text[320];

        if (log->named >> i & 1)
            continue;
        snprintf(text, sizeof text, "--only=%s: the server had no such socket", log->only[i]);
        event_log_notice(log, "no-such-socket", 0, text);
    }
}

void event_log_finish(struct event_log *log)
{
    struct flood_entry over;
    int64_t now = clock_now();

    while (flood_take(&log->flood, INT64_MAX / 2, &over))
        write_summary(log, &over, now);
    tell_unnamed(log);
    log->has_socket = false;
}

void event_log_close(struct event_log *log)
{
    if (!log)
        return;
    event_log_finish(log);
    event_sink_close(&log->sink);
    free(log);
}
