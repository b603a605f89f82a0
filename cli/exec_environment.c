/* exec_environment.c: see exec_environment.h. */
#include "exec_environment.h"

#include "account/nss.h"
#include "cleanup.h"
#include "event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* By UCSPI's servers, systemd.exec(5), xinetd and CGI: all that says who the peer is. */
static const char *const stale_names[] = {"PROTO", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_HOST",
    "REMOTE_USER", "REMOTE_IDENT", "WSAPEER_UID", "WSAPEER_USER", "WSAPEER_SOURCE", "WSAPEER_PEER"};
static const char *const stale_beginnings[] = {
    "TCPREMOTE", "TCPLOCAL", "TCP6REMOTE", "TCP6LOCAL", "UNIXREMOTE", "IPCREMOTE"};

static bool is_stale(const char *name)
{
    for (size_t i = 0; i < sizeof stale_names / sizeof *stale_names; i++)
        if (strcmp(name, stale_names[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof stale_beginnings / sizeof *stale_beginnings; i++)
        if (strncmp(name, stale_beginnings[i], strlen(stale_beginnings[i])) == 0)
            return true;
    return false;
}

/* By hand: unsetenv(3) knows no entry without a "=". */
static int remove_stale(void)
{
    size_t kept = 0;

    for (size_t i = 0; environ && environ[i]; i++) {
        cleanup_memory char *name = strndup(environ[i], strcspn(environ[i], "="));

        if (!name)
            return -ENOMEM;
        if (!is_stale(name))
            environ[kept++] = environ[i];
    }
    if (environ)
        environ[kept] = NULL;
    return 0;
}

__attribute__((format(printf, 2, 3))) static int set(const char *name, const char *format, ...)
{
    cleanup_memory char *value = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (length < 0) {
        value = NULL;
        return -ENOMEM;
    }
    unsetenv(name); /* each that there is: setenv(3) replaces the first alone */
    return setenv(name, value, 1) < 0 ? -errno : 0;
}

/* What an ident server would say of a local user: its name. No name, no answer. */
static int set_remote_info(uid_t uid)
{
    char name[256];

    if (account_user_name(uid, name, sizeof name) < 0)
        return 0;
    return set("TCPREMOTEINFO", "%s", name);
}

static int set_tcp(const struct identity *peer)
{
    char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
    int result = set("PROTO", "TCP");

    event_address(&peer->local, local, sizeof local);
    event_address(&peer->peer, remote, sizeof remote);
    if (result == 0)
        result = set("TCPLOCALIP", "%s", local);
    if (result == 0)
        result = set("TCPLOCALPORT", "%u", peer->local.port);
    if (result == 0)
        result = set("TCPREMOTEIP", "%s", remote);
    if (result == 0)
        result = set("TCPREMOTEPORT", "%u", peer->peer.port);
    if (result == 0)
        result = set("REMOTE_ADDR", "%s", remote);
    if (result == 0)
        result = set("REMOTE_PORT", "%u", peer->peer.port);
    if (result == 0 && peer->kind == IDENTITY_USER)
        result = set_remote_info(peer->uid);
    return result;
}

static int set_unix(const struct identity *peer)
{
    int result = set("PROTO", "UNIX");

    if (result == 0)
        result = set("UNIXREMOTEEUID", "%u", peer->uid);
    if (result == 0)
        result = set("UNIXREMOTEEGID", "%u", peer->gid);
    if (result == 0)
        result = set("UNIXREMOTEPID", "%d", (int)peer->pid);
    return result;
}

static int set_peer(const struct identity *peer)
{
    char address[INET6_ADDRSTRLEN];
    int result = set("WSAPEER_SOURCE", "%s", identity_source_name(peer->source));

    if (result < 0)
        return result;
    if (peer->kind == IDENTITY_USER)
        return set("WSAPEER_PEER", "uid=%u", peer->uid);
    return set("WSAPEER_PEER", "host=%s", event_address(&peer->peer, address, sizeof address));
}

static int set_login(const struct account_entry *entry)
{
    int result = set("USER", "%s", entry->name);

    if (result == 0)
        result = set("LOGNAME", "%s", entry->name);
    if (result == 0)
        result = set("HOME", "%s", *entry->home ? entry->home : "/");
    if (result == 0)
        result = set("SHELL", "%s", *entry->shell ? entry->shell : "/bin/sh");
    return result;
}

static int set_account(const struct exec_facts *facts)
{
    __attribute__((cleanup(account_entry_free))) struct account_entry entry = {NULL};
    int result = account_entry_of_uid(facts->account, &entry);

    if (result == 0)
        result = set("WSAPEER_UID", "%u", facts->account);
    if (result == 0)
        result = set("WSAPEER_USER", "%s", entry.name);
    if (result == 0 && facts->login)
        result = set_login(&entry);
    return result;
}

int exec_environment_set(const struct exec_facts *facts)
{
    int result = remove_stale();

    if (result == 0)
        result = facts->peer->peer.family == AF_UNIX ? set_unix(facts->peer) : set_tcp(facts->peer);
    if (result == 0)
        result = set_peer(facts->peer);
    if (result == 0)
        result = set_account(facts);
    return result;
}
