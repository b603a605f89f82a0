/*
 * test_identity.c: the parts of identity/ that need no connection: its English, and the one shape
 * that addresses are brought into.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/endpoint.h"
#include "identity/identity.h"
#include "identity/sources.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_storage ipv4(const char *text, in_port_t port)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *address = (struct sockaddr_in *)&storage;

    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    assert_int_equal(inet_pton(AF_INET, text, &address->sin_addr), 1);
    return storage;
}

static struct sockaddr_storage ipv6(const char *text, in_port_t port, uint32_t scope)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)&storage;

    address->sin6_family = AF_INET6;
    address->sin6_port = htons(port);
    address->sin6_scope_id = scope;
    assert_int_equal(inet_pton(AF_INET6, text, &address->sin6_addr), 1);
    return storage;
}

static struct identity_endpoint endpoint_of(struct sockaddr_storage address)
{
    struct identity_endpoint endpoint;
    uint32_t scope;

    assert_int_equal(endpoint_of_address(&address, &endpoint, &scope), 0);
    return endpoint;
}

static void mapped_and_plain_ipv4_are_one_endpoint(void **state)
{
    struct identity_endpoint plain = endpoint_of(ipv4("127.0.0.1", 80));
    struct identity_endpoint mapped = endpoint_of(ipv6("::ffff:127.0.0.1", 80, 0));

    (void)state;
    assert_true(endpoint_equal(&plain, &mapped));
    assert_int_equal(mapped.family, AF_INET);
    assert_int_equal(mapped.port, 80);
}

static void port_address_and_family_all_count(void **state)
{
    struct identity_endpoint here = endpoint_of(ipv4("127.0.0.1", 80));
    struct identity_endpoint port = endpoint_of(ipv4("127.0.0.1", 81));
    struct identity_endpoint address = endpoint_of(ipv4("127.6.6.6", 80));
    struct identity_endpoint loopback = endpoint_of(ipv6("::1", 80, 0));
    struct identity_endpoint compatible = endpoint_of(ipv6("::127.0.0.1", 80, 0));

    (void)state;
    assert_false(endpoint_equal(&here, &port));
    assert_false(endpoint_equal(&here, &address));
    assert_false(endpoint_equal(&here, &loopback));
    assert_false(endpoint_equal(&here, &compatible));
}

static void only_link_local_addresses_have_a_scope(void **state)
{
    struct sockaddr_storage local = ipv6("fe80::1", 80, 7), global = ipv6("2001:db8::1", 80, 7);
    struct identity_endpoint endpoint;
    uint32_t scope;

    (void)state;
    assert_int_equal(endpoint_of_address(&local, &endpoint, &scope), 0);
    assert_int_equal(scope, 7);
    assert_int_equal(endpoint_of_address(&global, &endpoint, &scope), 0);
    assert_int_equal(scope, 0);
}

static void unix_sockets_have_no_address(void **state)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_un *address = (struct sockaddr_un *)&storage;
    struct identity_endpoint endpoint, empty = {.family = AF_UNIX};

    (void)state;
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, "/run/a.socket");
    endpoint = endpoint_of(storage);
    assert_true(endpoint_equal(&endpoint, &empty));
}

static void other_families_are_refused(void **state)
{
    struct sockaddr_storage storage = {.ss_family = AF_NETLINK};
    struct identity_endpoint endpoint;
    const uint32_t words[4] = {0};
    uint32_t scope;

    (void)state;
    assert_int_equal(endpoint_of_address(&storage, &endpoint, &scope), -EAFNOSUPPORT);
    assert_int_equal(endpoint_of_diag(AF_UNIX, words, 0, &endpoint), -EAFNOSUPPORT);
}

static void sock_diag_words_go_there_and_back(void **state)
{
    struct sockaddr_storage addresses[] = {
        ipv4("192.0.2.7", 4711), ipv6("2001:db8::7", 4711, 0), ipv6("::ffff:192.0.2.7", 4711, 0)};

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct identity_endpoint before = endpoint_of(addresses[i]), after;
        uint32_t words[4];

        endpoint_to_diag(&before, words);
        assert_int_equal(endpoint_of_diag(before.family, words, htons(4711), &after), 0);
        assert_true(endpoint_equal(&before, &after));
    }
}

/* The kernel answers for a client's AF_INET6 socket when the server's is AF_INET. */
static void a_mapped_sock_diag_answer_is_ipv4(void **state)
{
    struct identity_endpoint plain = endpoint_of(ipv4("127.0.0.1", 80)), found;
    const uint32_t words[4] = {0, 0, htonl(0xffff), htonl(INADDR_LOOPBACK)};

    (void)state;
    assert_int_equal(endpoint_of_diag(AF_INET6, words, htons(80), &found), 0);
    assert_true(endpoint_equal(&plain, &found));
}

static void an_endpoint_becomes_an_address_to_bind(void **state)
{
    struct identity_endpoint plain = endpoint_of(ipv6("::ffff:192.0.2.7", 80, 0));
    struct identity_endpoint local = endpoint_of(ipv6("fe80::1", 80, 7));
    struct sockaddr_storage address, expected4 = ipv4("192.0.2.7", 0),
                                     expected6 = ipv6("fe80::1", 0, 7);

    (void)state;
    assert_int_equal(endpoint_to_address(&plain, 0, &address), sizeof(struct sockaddr_in));
    assert_memory_equal(&address, &expected4, sizeof address);
    assert_int_equal(endpoint_to_address(&local, 7, &address), sizeof(struct sockaddr_in6));
    assert_memory_equal(&address, &expected6, sizeof address);
}

static void every_value_has_its_own_english(void **state)
{
    (void)state;
    for (int a = IDENTITY_REASON_NONE; a <= IDENTITY_REASON_KERNEL; a++)
        for (int b = a + 1; b <= IDENTITY_REASON_KERNEL + 1; b++)
            assert_string_not_equal(identity_reason_text((enum identity_reason)a),
                identity_reason_text((enum identity_reason)b));
    assert_string_equal(identity_source_name(IDENTITY_SOURCE_NONE), "none");
    assert_string_equal(identity_source_name(IDENTITY_SOURCE_PEERCRED), "peercred");
    assert_string_equal(identity_source_name(IDENTITY_SOURCE_SOCK_DIAG), "sock_diag");
    assert_string_equal(identity_source_name(IDENTITY_SOURCE_HOST), "host");
    assert_string_equal(identity_source_name((enum identity_source)99), "unknown");
}

static void overflow_ids_are_nobody(void **state)
{
    struct identity identity = {.kind = IDENTITY_NONE};

    (void)state;
    identity_prepare();
    assert_true(identity_uid_is_unmapped(65534));
    assert_true(identity_uid_is_unmapped((uid_t)-1));
    assert_true(identity_gid_is_unmapped((gid_t)-1));
    assert_false(identity_uid_is_unmapped(0));
    assert_false(identity_uid_is_unmapped(1001));
    identity_believe_user(&identity, IDENTITY_SOURCE_SOCK_DIAG, 65534);
    assert_int_equal(identity.kind, IDENTITY_NONE);
    assert_int_equal(identity.reason, IDENTITY_REASON_UNMAPPED);
    assert_int_equal(identity.uid, (uid_t)-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapped_and_plain_ipv4_are_one_endpoint),
        cmocka_unit_test(port_address_and_family_all_count),
        cmocka_unit_test(only_link_local_addresses_have_a_scope),
        cmocka_unit_test(unix_sockets_have_no_address),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(sock_diag_words_go_there_and_back),
        cmocka_unit_test(a_mapped_sock_diag_answer_is_ipv4),
        cmocka_unit_test(an_endpoint_becomes_an_address_to_bind),
        cmocka_unit_test(every_value_has_its_own_english),
        cmocka_unit_test(overflow_ids_are_nobody),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
