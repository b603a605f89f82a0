#include "only_option.h"

#include "command.h"
#include "socket_name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { HIGHEST_PORT = 65535 };

static int parse_path(const char *text, struct only_name *name)
{
    size_t length = strlen(text);

    if (length < 2 || length >= sizeof name->path)
        return -EINVAL;
    name->end.family = AF_UNIX;
    name->path_length = (uint8_t)length;
    memcpy(name->path, text, length);
    if (text[0] == '@')
        name->path[0] = '\0';
    return 0;
}

/* Without its brackets and its zone: "fe80::1%eth0" is every fe80::1. */
static int parse_ip6(char *text, struct only_name *name)
{
    char *end = strchr(text, ']');

    if (!end || end[1] != '\0')
        return -EINVAL;
    *end = '\0';
    text[1 + strcspn(text + 1, "%")] = '\0';
    if (inet_pton(AF_INET6, text + 1, &name->end.address) != 1)
        return -EINVAL;
    name->end.family = IN6_IS_ADDR_V4MAPPED(&name->end.address) ? AF_INET : AF_INET6;
    return 0;
}

static int parse_host(char *text, struct only_name *name)
{
    if (*text == '\0' || strcmp(text, "*") == 0)
        return 0; /* AF_UNSPEC */
    if (*text == '[')
        return parse_ip6(text, name);
    name->end.family = AF_INET;
    name->end.address.s6_addr[10] = name->end.address.s6_addr[11] = 0xff;
    return inet_pton(AF_INET, text, &name->end.address.s6_addr[12]) == 1 ? 0 : -EINVAL;
}

static int parse(const char *text, struct only_name *name)
{
    char host[INET6_ADDRSTRLEN + 32];
    const char *colon = strrchr(text, ':');
    int port;

    *name = (struct only_name){.end.family = AF_UNSPEC};
    if (text[0] == '/' || text[0] == '@')
        return parse_path(text, name);
    if (!colon || (size_t)(colon - text) >= sizeof host ||
        socket_name_number(colon + 1, 1, &port) < 0 || port > HIGHEST_PORT)
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    name->end.port = (uint16_t)port;
    return parse_host(host, name);
}

int only_option_add(struct run_options *options, const char *text)
{
    if (options->only_count == ONLY_MOST) {
        complain(
            "run: --only=%s: %d sockets can be named and no more: *:PORT names one port of every "
            "address",
            text, ONLY_MOST);
        return -EINVAL;
    }
    if (parse(text, &options->only[options->only_count]) < 0) {
        complain(
            "run: --only=%s: it names no socket: write ADDR:PORT, [ADDR6]:PORT, *:PORT, a path "
            "that begins with /, or @NAME",
            text);
        return -EINVAL;
    }
    options->only_text[options->only_count++] = text;
    return 0;
}
