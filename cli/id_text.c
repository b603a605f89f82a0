#include "account/nss.h"
#include "command.h"
#include "escape.h"
#include "peer_facts.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { LONGEST_NAME = 256 };

typedef int name_function(uint32_t id, char *name, size_t size);

const char *id_address(const struct identity_endpoint *endpoint, char *text, size_t size)
{
    const unsigned char *bytes = endpoint->address.s6_addr;

    if (inet_ntop(endpoint->family, bytes + (endpoint->family == AF_INET ? 12 : 0), text,
            (socklen_t)size) == NULL)
        snprintf(text, size, "?");
    return text;
}

/* "1001(alice)"; an id without a name is only a number, as id(1) has it. */
static void print_both(const char *label, uint32_t id, name_function *name_of)
{
    char name[LONGEST_NAME], printable[ESCAPE_FACTOR * LONGEST_NAME];

    printf("%s%u", label, id);
    if (name_of(id, name, sizeof name) == 0)
        printf("(%s)", escape_text(printable, sizeof printable, name));
}

static void print_everything(const struct account *account)
{
    print_both("uid=", account->uid, account_user_name);
    print_both(" gid=", account->gid, account_group_name);
    print_both(" groups=", account->gid, account_group_name);
    for (unsigned i = 0; i < account->group_count; i++)
        if (account->groups[i] != account->gid)
            print_both(",", account->groups[i], account_group_name);
    putchar('\n');
}

/* The number, or the name if that was asked for. Returns an exit status. */
static int print_one(
    uint32_t id, const struct id_format *format, const char *kind, name_function *name_of)
{
    char name[LONGEST_NAME], printable[ESCAPE_FACTOR * LONGEST_NAME];

    if (format->names && name_of(id, name, sizeof name) == 0) {
        printf("%s", escape_text(printable, sizeof printable, name));
        return EXIT_YES;
    }
    printf("%u", id);
    if (!format->names)
        return EXIT_YES;
    complain("cannot find a name for %s id %u; it is printed as a number", kind, id);
    return EXIT_NO;
}

static int print_groups(const struct account *account, const struct id_format *format)
{
    int status = print_one(account->gid, format, "group", account_group_name);

    for (unsigned i = 0; i < account->group_count; i++) {
        if (account->groups[i] == account->gid)
            continue;
        putchar(format->zero ? '\0' : ' ');
        if (print_one(account->groups[i], format, "group", account_group_name) != EXIT_YES)
            status = EXIT_NO;
    }
    return status;
}

int id_print_text(const struct peer_facts *facts, const struct id_format *format)
{
    int status = EXIT_YES;

    switch (format->choice) {
    case ID_EVERYTHING:
        print_everything(&facts->account);
        return EXIT_YES;
    case ID_USER:
        status = print_one(facts->identity.uid, format, "user", account_user_name);
        break;
    case ID_GROUP:
        status = print_one(facts->account.gid, format, "group", account_group_name);
        break;
    case ID_GROUPS:
        status = print_groups(&facts->account, format);
        break;
    }
    putchar(format->zero ? '\0' : '\n');
    return status;
}

void id_print_host(const struct peer_facts *facts)
{
    char address[INET6_ADDRSTRLEN];

    printf("host=%s\n", id_address(&facts->identity.peer, address, sizeof address));
}
