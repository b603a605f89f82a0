#include "who.h"

#include "account/nss.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Longer than any name, range or network; what is longer is not looked up at all. */
enum { LONGEST_TEXT = 256 };

static int refuse(char *message, size_t size, const char *text, const char *why)
{
    snprintf(message, size, "'%s' %s", text, why);
    return -EINVAL;
}

/*
 * A decimal number without sign, space or leading zero that fits a uid_t. Returns the number of
 * characters read, 0 if the text does not begin with such a number.
 */
static size_t read_id(const char *text, uid_t *id)
{
    uint64_t value = 0;
    size_t digits = 0;

    while (isdigit((unsigned char)text[digits])) {
        value = value * 10 + (uint64_t)(text[digits] - '0');
        if (value > UINT32_MAX)
            return 0;
        digits++;
    }
    if (digits > 1 && text[0] == '0')
        return 0;
    *id = (uid_t)value;
    return digits;
}

/* The whole text is a number. */
static bool is_id(const char *text, uid_t *id)
{
    size_t digits = read_id(text, id);

    return digits > 0 && text[digits] == '\0';
}

static bool is_range(const char *text, uid_t *first, uid_t *last)
{
    size_t digits = read_id(text, first);

    return digits > 0 && text[digits] == '-' && is_id(text + digits + 1, last);
}

static void name_user(struct who *who, uid_t uid)
{
    *who = (struct who){.kind = WHO_USERS, .named_singly = true, .first = uid, .last = uid};
}

static int explain_lookup(enum account_verdict verdict, int error, const char *kind,
    const char *name, char *message, size_t size)
{
    if (verdict == ACCOUNT_UNKNOWN)
        snprintf(message, size, "there is no %s '%s'", kind, name);
    else if (verdict == ACCOUNT_DIRECTORY_ERROR)
        snprintf(message, size,
            "cannot look up %s '%s': the name service failed (%s); use the number, or try again",
            kind, name, strerror(error));
    else
        snprintf(
            message, size, "%s '%s' cannot be used: %s", kind, name, account_verdict_text(verdict));
    return -EINVAL;
}

static int parse_user_name(const char *name, struct who *who, char *message, size_t size)
{
    enum account_verdict verdict;
    uid_t uid;
    int error;

    if (*name == '\0')
        return refuse(message, size, name, "is no name; write an account's name");
    verdict = account_ids_of_name(name, &uid, NULL, &error);
    if (verdict != ACCOUNT_SERVED)
        return explain_lookup(verdict, error, "account", name, message, size);
    name_user(who, uid);
    return 0;
}

static int parse_group(const char *name, struct who *who, char *message, size_t size)
{
    enum account_verdict verdict;
    gid_t gid;
    int error;

    if (*name == '\0')
        return refuse(message, size, "@", "names no group; write @NAME or @GID");
    if (!is_id(name, &gid)) {
        verdict = account_group_of_name(name, &gid, &error);
        if (verdict != ACCOUNT_SERVED)
            return explain_lookup(verdict, error, "group", name, message, size);
    }
    if (gid == (gid_t)-1)
        return refuse(message, size, name, "is no group id");
    *who = (struct who){.kind = WHO_GROUP, .gid = gid};
    return 0;
}

/* Reads an address without prefix; gives it IPv4-mapped. */
static bool read_address(const char *text, sa_family_t *family, struct in6_addr *address)
{
    struct in_addr four;

    if (inet_pton(AF_INET, text, &four) == 1) {
        *family = AF_INET;
        memset(address, 0, sizeof *address);
        memset(address->s6_addr + 10, 0xff, 2);
        memcpy(address->s6_addr + 12, &four, sizeof four);
        return true;
    }
    *family = AF_INET6;
    return inet_pton(AF_INET6, text, address) == 1;
}

static bool same_prefix(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    unsigned char mask = (unsigned char)(0xff << (8 - rest));

    if (memcmp(a->s6_addr, b->s6_addr, whole) != 0)
        return false;
    return rest == 0 || ((a->s6_addr[whole] ^ b->s6_addr[whole]) & mask) == 0;
}

static bool has_host_bits(const struct in6_addr *network, unsigned bits)
{
    for (unsigned bit = bits; bit < 128; bit++)
        if (network->s6_addr[bit / 8] & (0x80 >> bit % 8))
            return true;
    return false;
}

static bool is_loopback(const struct who *who)
{
    const unsigned char *bytes = who->network.s6_addr;

    if (who->family == AF_INET)
        return who->prefix_length >= 96 + 8 && bytes[12] == 127;
    return who->prefix_length == 128 && IN6_IS_ADDR_LOOPBACK(&who->network);
}

static int check_network(const char *text, const struct who *who, char *message, size_t size)
{
    if (has_host_bits(&who->network, who->prefix_length))
        return refuse(message, size, text,
            "has bits set behind its prefix; write the network's first address, or no prefix");
    if (who->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&who->network) && who->prefix_length >= 96)
        return refuse(message, size, text, "is an IPv4 address in disguise; write it as IPv4");
    if (is_loopback(who))
        return refuse(message, size, text,
            "is this host itself; peers on this host are named by user, not by address");
    return 0;
}

static int parse_network(const char *text, struct who *who, char *message, size_t size)
{
    const char *slash = strchr(text, '/');
    char address[INET6_ADDRSTRLEN];
    size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    uid_t bits, most;

    *who = (struct who){.kind = WHO_NETWORK};
    if (length >= sizeof address)
        return refuse(message, size, text, "is no address");
    memcpy(address, text, length);
    address[length] = '\0';
    if (!read_address(address, &who->family, &who->network))
        return refuse(message, size, text, "is no address; write 192.0.2.0/24 or 2001:db8::/32");
    most = who->family == AF_INET ? 32 : 128;
    bits = most;
    if (slash != NULL && (!is_id(slash + 1, &bits) || bits > most))
        return refuse(message, size, text,
            most == 32 ? "has a prefix that is no number from 0 to 32"
                       : "has a prefix that is no number from 0 to 128");
    who->prefix_length = 128 - most + bits;
    return check_network(text, who, message, size);
}

static bool looks_like_address(const char *text)
{
    sa_family_t family;
    struct in6_addr address;

    return strchr(text, '/') != NULL || strchr(text, ':') != NULL ||
           read_address(text, &family, &address) || strspn(text, "0123456789.") == strlen(text);
}

static int parse_numbers(const char *text, struct who *who, char *message, size_t size)
{
    uid_t first, last;

    if (is_id(text, &first)) {
        if (first == (uid_t)-1)
            return refuse(message, size, text, "is no user id");
        name_user(who, first);
        return 0;
    }
    if (!is_range(text, &first, &last))
        return refuse(message, size, text, "is no user id and no range of them");
    if (first > last || last == (uid_t)-1)
        return refuse(message, size, text, "is no range of user ids; write LOWEST-HIGHEST");
    *who = (struct who){.kind = WHO_USERS, .first = first, .last = last};
    return 0;
}

int who_parse(const char *text, struct who *who, char *message, size_t size)
{
    uid_t first, last;

    *who = (struct who){.kind = WHO_USERS, .first = 1, .last = 0};
    if (*text == '\0')
        return refuse(message, size, text,
            "names nobody; write a user, a range of ids, @GROUP, a network, me or any");
    if (strlen(text) >= LONGEST_TEXT)
        return refuse(message, size, "a text this long", "names nobody");
    if (strcmp(text, "any") == 0) {
        *who = (struct who){.kind = WHO_ANY};
        return 0;
    }
    if (strcmp(text, "me") == 0) {
        name_user(who, getuid());
        return 0;
    }
    if (strncmp(text, "user:", 5) == 0)
        return parse_user_name(text + 5, who, message, size);
    if (text[0] == '@')
        return parse_group(text + 1, who, message, size);
    if (strspn(text, "0123456789") == strlen(text) || is_range(text, &first, &last))
        return parse_numbers(text, who, message, size);
    if (looks_like_address(text))
        return parse_network(text, who, message, size);
    return parse_user_name(text, who, message, size);
}

bool who_network_holds(
    const struct who *network, sa_family_t family, const struct in6_addr *address)
{
    return network->family == family &&
           same_prefix(&network->network, address, network->prefix_length);
}

static enum who_answer is_member(gid_t gid, uid_t uid, struct who_membership *membership)
{
    if (!membership->asked) {
        membership->verdict = account_of_uid(uid, &membership->account, &membership->error);
        membership->asked = true;
    }
    if (membership->verdict != ACCOUNT_SERVED)
        return WHO_UNCERTAIN;
    return account_has_group(&membership->account, gid) ? WHO_YES : WHO_NO;
}

enum who_answer who_matches(
    const struct who *who, const struct identity *peer, struct who_membership *membership)
{
    bool user = peer->kind == IDENTITY_USER, host = peer->kind == IDENTITY_HOST;
    bool matches = false;

    switch (who->kind) {
    case WHO_ANY:
        matches = user || host;
        break;
    case WHO_USERS:
        matches = user && who->first <= peer->uid && peer->uid <= who->last;
        break;
    case WHO_GROUP:
        return user ? is_member(who->gid, peer->uid, membership) : WHO_NO;
    case WHO_NETWORK:
        matches = host && who_network_holds(who, peer->peer.family, &peer->peer.address);
        break;
    }
    return matches ? WHO_YES : WHO_NO;
}

bool who_may_name_root(const struct who *who)
{
    return who->kind == WHO_USERS && who->named_singly;
}
