/* transparent_kinds.c: see transparent_kinds.h. */
#include "transparent_kinds.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <sys/un.h>

struct kind v4 = {AF_INET, SOCK_STREAM, .client = AF_INET};
struct kind v6 = {AF_INET6, SOCK_STREAM, .client = AF_INET6};
struct kind dual = {AF_INET6, SOCK_STREAM, .dual = true, .client = AF_INET};
struct kind path = {AF_UNIX, SOCK_STREAM, .has_path = true, .client = AF_UNIX};
struct kind abstract = {AF_UNIX, SOCK_STREAM, .client = AF_UNIX};
struct kind packets = {AF_UNIX, SOCK_SEQPACKET, .client = AF_UNIX};

static socklen_t name_unix(const struct kind *kind, struct sockaddr_un *address)
{
    /* Tests that run at once have process ids of their own, and share /tmp. */
    int64_t unique = now();
    char *name = address->sun_path + (kind->has_path ? 0 : 1);
    int length = snprintf(name, 60, "/tmp/transparent-%" PRIx64, (uint64_t)unique);

    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1);
}

static void bind_it(struct kind *kind)
{
    struct sockaddr_in6 *inet6 = (struct sockaddr_in6 *)&kind->address;
    int only_v6 = !kind->dual;
    memset(&kind->address, 0, sizeof kind->address);
    kind->address.ss_family = (sa_family_t)kind->family;
    kind->length = sizeof(struct sockaddr_in);
    if (kind->family == AF_UNIX)
        kind->length = name_unix(kind, (struct sockaddr_un *)&kind->address);
    if (kind->family == AF_INET)
        ((struct sockaddr_in *)&kind->address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (kind->family == AF_INET6) {
        inet6->sin6_addr = kind->dual ? in6addr_any : in6addr_loopback;
        kind->length = sizeof *inet6;
        setsockopt(kind->listener, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
    }
    if (bind(kind->listener, (struct sockaddr *)&kind->address, kind->length) != 0)
        fail_msg("bind: %s", strerror(errno));
}

int bind_and_listen(void **state)
{
    struct kind *kind = *state;
    struct sockaddr_storage asked;
    socklen_t asked_length;
    int on = 1;
    kind->listener = socket(kind->family, kind->type | SOCK_CLOEXEC, 0);
    setsockopt(kind->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bind_it(kind);
    asked = kind->address;
    asked_length = kind->length;
    if (listen(kind->listener, 64) != 0)
        return -1;
    kind->length = sizeof kind->address;
    if (getsockname(kind->listener, (struct sockaddr *)&kind->address, &kind->length) != 0)
        return -1;
    if (kind->family == AF_UNIX)
        assert_memory_equal(&kind->address, &asked, asked_length);
    else /* where sin6_port is, too */
        assert_int_not_equal(((struct sockaddr_in *)&kind->address)->sin_port, 0);
    return 0;
}

int close_listener(void **state)
{
    struct kind *kind = *state;
    close(kind->listener);
    if (kind->has_path)
        unlink(((struct sockaddr_un *)&kind->address)->sun_path);
    return 0;
}

int client_of(const struct kind *kind)
{
    struct sockaddr_storage address = kind->address;
    socklen_t length = kind->length;
    int client = socket(kind->client, kind->type | SOCK_CLOEXEC, 0);
    if (kind->dual) {
        struct sockaddr_in inet = {.sin_family = AF_INET,
            .sin_port = ((const struct sockaddr_in6 *)&kind->address)->sin6_port,
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        memcpy(&address, &inet, length = sizeof inet);
    }
    if (connect(client, (struct sockaddr *)&address, length) != 0)
        fail_msg("connect: %s", strerror(errno));
    return client;
}

void serves(const struct kind *kind, int listener)
{
    struct sockaddr_storage own, seen;
    socklen_t own_length = sizeof own, seen_length = sizeof seen;
    char byte = 0;
    int client = client_of(kind);
    int connection = accept(listener, (struct sockaddr *)&seen, &seen_length);
    assert_true(connection >= 0);
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &own_length), 0);
    if (!kind->dual) {
        assert_int_equal(seen_length, own_length);
        assert_memory_equal(&seen, &own, own_length);
    } else {
        assert_int_equal(seen.ss_family, AF_INET6);
    }
    assert_int_equal(send(client, "?", 1, 0), 1);
    assert_int_equal(read(connection, &byte, 1), 1);
    assert_int_equal(byte, '?');
    close(connection);
    close(client);
}

int option_of(int number, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    assert_int_equal(getsockopt(number, level, name, &value, &length), 0);
    assert_int_equal(length, sizeof value);
    return value;
}
