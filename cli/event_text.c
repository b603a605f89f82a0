#include "event.h"

#include <arpa/inet.h>
#include <string.h>

const char *event_address(const struct identity_endpoint *end, char *text, size_t size)
{
    const unsigned char *bytes = end->address.s6_addr;

    text[0] = '\0';
    if (end->family == AF_INET)
        inet_ntop(AF_INET, bytes + 12, text, (socklen_t)size);
    else if (end->family == AF_INET6)
        inet_ntop(AF_INET6, bytes, text, (socklen_t)size);
    return text;
}

void event_write_time(const struct timespec *time, FILE *out)
{
    char text[32];
    struct tm parts;

    gmtime_r(&time->tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    fprintf(out, "%s.%03ldZ", text, time->tv_nsec / 1000000);
}

static void write_end(const struct identity_endpoint *end, bool with_port, FILE *out)
{
    char address[INET6_ADDRSTRLEN];
    bool brackets = end->family == AF_INET6 && with_port;

    event_address(end, address, sizeof address);
    fprintf(out, "%s%s%s", brackets ? "[" : "", address, brackets ? "]" : "");
    if (with_port)
        fprintf(out, ":%u", end->port);
}

/* An account's name and number, or what there is of them. */
static void write_user(uid_t uid, const char *name, FILE *out)
{
    if (*name)
        fprintf(out, "%s", name);
    else
        fprintf(out, "uid %u", uid);
}

static void write_peer(const struct event *event, FILE *out)
{
    const struct identity *peer = &event->request->peer;

    if (peer->peer.family == AF_INET || peer->peer.family == AF_INET6)
        write_end(&peer->peer, event->repeated == 0, out);
    else if (peer->pid > 0 && event->repeated == 0)
        fprintf(out, "pid %d", (int)peer->pid);
    else
        fprintf(out, "a local peer");
    if (peer->kind == IDENTITY_USER)
        fprintf(out, " (uid %u%s%s, by %s)", peer->uid, *event->peer_name ? " " : "",
            event->peer_name, identity_source_name(peer->source));
    else if (peer->kind == IDENTITY_HOST)
        fprintf(out, " (another host)");
    else
        fprintf(out, " (unidentified)");
    fprintf(out, " at ");
    if (peer->local.family == AF_INET || peer->local.family == AF_INET6)
        write_end(&peer->local, true, out);
    else
        fprintf(out, "a local socket");
}

static void write_would(const struct event *event, FILE *out)
{
    const struct request *request = event->request;

    if (request->verdict != ACCOUNT_SERVED) {
        fprintf(out, ": would be refused: %s", event->reason);
    } else if (request->account_uid == (uid_t)-1) {
        fprintf(out, ": would be admitted");
    } else {
        fprintf(out, ": would be served as ");
        write_user(request->account_uid, event->account_name, out);
    }
}

static void write_about_peer(const struct event *event, FILE *out)
{
    fprintf(out, "%s ", event->name);
    write_peer(event, out);
    switch (event->request->event) {
    case EVENT_SERVED:
        if (event->request->account_uid != (uid_t)-1) {
            fprintf(out, " as ");
            write_user(event->request->account_uid, event->account_name, out);
        }
        break;
    case EVENT_REFUSED:
        fprintf(out, ": %s", event->reason);
        break;
    default:
        write_would(event, out);
        break;
    }
}

static void write_about_process(const struct event *event, FILE *out)
{
    const struct request *request = event->request;

    fprintf(out, "%s[%d]: ", event->command, (int)event->pid);
    switch (request->event) {
    case EVENT_EVENT_LOOP:
        fprintf(out,
            "waits for several peers at once (an event loop): it acts for nobody and every "
            "file is refused (EACCES). Ways out: --isolate=account, an instance of the server for "
            "each account, which is right for every server; or --inline, if each request is "
            "finished in the callback that read it");
        break;
    case EVENT_SERVING:
        fprintf(out, "serves from now on; while it acts for nobody it is ");
        write_user(request->account_uid, event->account_name, out);
        break;
    case EVENT_SERVER_IDS:
        fprintf(out, "asked for other ids while it serves (%s) and was denied", event->detail);
        break;
    case EVENT_CALL_DENIED:
        fprintf(out,
            "tried %s on a socket whose clients are served and was denied: nobody could "
            "tell whose request that is",
            event->detail);
        break;
    case EVENT_ALL_BUSY:
        fprintf(out, "handles as many connections as it may at once (--max-processes): who comes "
                     "now waits");
        break;
    case EVENT_SWITCH_LOST:
        fprintf(out, "a thread could not give up its rights (%s): the process ends",
            strerror(request->error));
        break;
    case EVENT_UNTOUCHED:
        fprintf(out,
            "is not to be served at %s, which no --only names: who comes there passes untouched",
            event->detail);
        break;
    case EVENT_NO_ROOT:
        fprintf(out,
            "asked for a root directory of its own (chroot) when it had taken a client, and was "
            "denied: %s would allow it",
            event->detail);
        break;
    default:
        break;
    }
}

void event_write_text(const struct event *event, FILE *out)
{
    if (!event->request)
        fprintf(out, "%s", event->text);
    else if (event->request->event <= EVENT_OBSERVED)
        write_about_peer(event, out);
    else
        write_about_process(event, out);
    if (event->repeated)
        fprintf(out, ": and %u more in %u s", event->repeated, event->seconds);
}
