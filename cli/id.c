#include "account/nss.h"
#include "cleanup.h"
#include "command.h"
#include "peer_facts.h"
#include "socket_name.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEY_FD = 256, KEY_PID, KEY_JSON };

struct id_options {
    struct socket_name socket;
    struct id_format format;
    bool json;
};

static const struct argp_option options[] = {
    {"user", 'u', NULL, 0, "Print only the user id"},
    {"group", 'g', NULL, 0, "Print only the group id"},
    {"groups", 'G', NULL, 0, "Print all group ids"},
    {"name", 'n', NULL, 0, "Print a name instead of a number, for -u, -g, -G"},
    {"zero", 'z', NULL, 0, "End each id with a NUL character, not with whitespace"},
    {"fd", KEY_FD, "N", 0, "The socket is descriptor N (default: 0)"},
    {"pid", KEY_PID, "PID", 0, "The descriptor is one of process PID"},
    {"json", KEY_JSON, NULL, 0, "Print all that is known as a JSON object"},
    {NULL},
};

__attribute__((noreturn)) static void refuse(const char *what)
{
    complain("id: %s: 'wsapeer id --help' lists the options", what);
    exit(EXIT_TROUBLE);
}

static void choose(struct id_options *chosen, enum id_choice choice)
{
    if (chosen->format.choice != ID_EVERYTHING && chosen->format.choice != choice)
        refuse("cannot print \"only\" of more than one choice");
    chosen->format.choice = choice;
}

static void check(const struct id_options *chosen)
{
    bool everything = chosen->format.choice == ID_EVERYTHING;

    if (chosen->json && (!everything || chosen->format.names || chosen->format.zero))
        refuse("--json prints everything, and -u, -g, -G, -n and -z do not go with it");
    if (everything && chosen->format.names)
        refuse("printing only names requires -u, -g, or -G");
    if (everything && chosen->format.zero)
        refuse("option --zero not permitted in default format");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct id_options *chosen = state->input;

    switch (key) {
    case 'u':
        choose(chosen, ID_USER);
        return 0;
    case 'g':
        choose(chosen, ID_GROUP);
        return 0;
    case 'G':
        choose(chosen, ID_GROUPS);
        return 0;
    case 'n':
        chosen->format.names = true;
        return 0;
    case 'z':
        chosen->format.zero = true;
        return 0;
    case KEY_FD:
        if (socket_name_number(argument, 0, &chosen->socket.descriptor) < 0)
            refuse("--fd takes the number of a descriptor, from 0");
        return 0;
    case KEY_PID:
        if (socket_name_number(argument, 1, &chosen->socket.pid) < 0)
            refuse("--pid takes the number of a process, from 1");
        return 0;
    case KEY_JSON:
        chosen->json = true;
        return 0;
    case ARGP_KEY_ARG:
        refuse("it takes options only, no other argument");
    case ARGP_KEY_END:
        check(chosen);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .doc = "Print who is at the other end of a connected socket, as id(1) prints users.\v"
           "The exit status is 0 if the peer is a user, 1 if nobody can be named, 2 on trouble.",
};

/* Attested groups are those that the peer had when it connected, which NSS cannot know. */
static void attested_groups(int socket, struct peer_facts *facts)
{
    struct account *account = &facts->account;
    int count = identity_groups(socket, account->groups, ACCOUNT_MAX_GROUPS);

    facts->error = count < 0 && count != -ERANGE ? -count : 0;
    if (count == -ERANGE) {
        facts->verdict = ACCOUNT_TOO_MANY_GROUPS;
    } else if (count < 0) {
        facts->verdict = ACCOUNT_NO_IDENTITY;
    } else {
        facts->verdict = ACCOUNT_SERVED;
        account->uid = facts->identity.uid;
        account->gid = facts->identity.gid;
        account->group_count = (unsigned)count;
    }
}

static int gather(const struct id_options *chosen, struct peer_facts *facts)
{
    cleanup_descriptor int socket = -1;
    char message[256];

    if (socket_name_identify(&chosen->socket, &socket, &facts->identity, message, sizeof message) <
        0) {
        complain("%s", message);
        return EXIT_TROUBLE;
    }
    facts->verdict = ACCOUNT_NO_IDENTITY;
    if (facts->identity.kind != IDENTITY_USER)
        return EXIT_YES;
    if (facts->identity.source == IDENTITY_SOURCE_PEERCRED)
        attested_groups(socket, facts);
    else
        facts->verdict = account_of_uid(facts->identity.uid, &facts->account, &facts->error);
    return EXIT_YES;
}

/* The user is known, its groups are not: no list at all is better than a short one. */
static int complain_of_groups(const struct peer_facts *facts)
{
    complain("the peer is uid %u, but its groups cannot be told: %s%s%s; -u prints the id alone",
        facts->identity.uid, account_verdict_text(facts->verdict), facts->error != 0 ? ": " : "",
        facts->error != 0 ? strerror(facts->error) : "");
    return facts->verdict == ACCOUNT_UNKNOWN ? EXIT_NO : EXIT_TROUBLE;
}

static int complain_of_nobody(const struct peer_facts *facts)
{
    const struct identity *identity = &facts->identity;

    complain("no identity: %s%s%s", identity_reason_text(identity->reason),
        identity->error != 0 ? ": " : "", identity->error != 0 ? strerror(identity->error) : "");
    return identity->reason == IDENTITY_REASON_KERNEL ? EXIT_TROUBLE : EXIT_NO;
}

static int print_host(const struct peer_facts *facts, const struct id_format *format)
{
    char address[INET6_ADDRSTRLEN];

    if (format->choice == ID_EVERYTHING) {
        id_print_host(facts);
        return EXIT_YES;
    }
    complain("the peer is on another host, %s: which user it is there cannot be known here",
        id_address(&facts->identity.peer, address, sizeof address));
    return EXIT_NO;
}

static int print(const struct peer_facts *facts, const struct id_options *chosen)
{
    const struct identity *identity = &facts->identity;
    bool needs_groups = chosen->format.choice != ID_USER;

    if (chosen->json && id_print_json(facts) < 0) {
        complain("cannot print JSON: out of memory, or standard output is closed");
        return EXIT_TROUBLE;
    }
    if (identity->kind == IDENTITY_NONE)
        return complain_of_nobody(facts);
    if (identity->kind == IDENTITY_HOST)
        return chosen->json ? EXIT_YES : print_host(facts, &chosen->format);
    if (needs_groups && facts->verdict != ACCOUNT_SERVED)
        return complain_of_groups(facts);
    return chosen->json ? EXIT_YES : id_print_text(facts, &chosen->format);
}

static int run_id(int argc, char **argv)
{
    struct id_options chosen = {.json = false};
    struct peer_facts facts = {.error = 0};
    int status;

    argp_err_exit_status = EXIT_TROUBLE;
    if (argp_parse(&parser, argc, argv, 0, NULL, &chosen) != 0)
        return EXIT_TROUBLE;
    status = gather(&chosen, &facts);
    if (status == EXIT_YES)
        status = print(&facts, &chosen);
    return finish_output(status, EXIT_TROUBLE);
}

const struct command command_id = {
    .name = "id",
    .summary = "print who is at the other end of a socket, as id(1) does",
    .run = run_id,
};
