#include "resolver_asked.h"

#include "resolver_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct resolver resolver;
int client = -1;
char resolver_log[4096];

int resolver_set_up(void **state)
{
    int ends[2];
    struct policy *policy = policy_new(PROTECT_SCOPES);
    char message[256];
    const char *directory = getenv("TMPDIR");

    (void)state;
    snprintf(resolver_log, sizeof resolver_log, "%s/resolver-log", directory ? directory : "/tmp");
    if (!policy || policy_deny(policy, "bob", message, sizeof message) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    client = ends[0];
    resolver = (struct resolver){.policy = policy, .channel = ends[1], .server = getpid()};
    resolver.settings = (struct settings){.magic = PROTOCOL_MAGIC, .guard_uid = NOBODYS};
    if (event_log_open(EVENT_TO_FILE, resolver_log, EVENT_AS_TEXT, true, &resolver.log) < 0)
        return -1;
    return resolver_prepare_channel(resolver.channel);
}

int resolver_tear_down(void **state)
{
    (void)state;
    event_log_close(resolver.log);
    policy_free((struct policy *)resolver.policy);
    close(resolver.channel);
    if (client >= 0)
        close(client);
    unlink(resolver_log);
    return 0;
}

void send_with(int channel, const void *bytes, size_t size, const int fds[], size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (count > 0) {
        struct cmsghdr *rights = (struct cmsghdr *)control;

        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(channel, &message, MSG_DONTWAIT), (ssize_t)size);
}

struct request question(enum request_kind kind, uid_t uid)
{
    return (struct request){.magic = PROTOCOL_MAGIC,
        .kind = kind,
        .event = EVENT_REFUSED,
        .verdict = ACCOUNT_DENIED,
        .peer = {.kind = IDENTITY_USER, .source = IDENTITY_SOURCE_PEERCRED, .uid = uid}};
}

ssize_t ask(const struct request *request, size_t request_size, void *answer, size_t size)
{
    int pair[2];
    ssize_t received;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    send_with(client, request, request_size, &pair[1], 1);
    close(pair[1]);
    assert_int_equal(resolver_receive(&resolver), RESOLVER_EMPTY);
    received = recv(pair[0], answer, size, MSG_DONTWAIT);
    close(pair[0]);
    return received < 0 ? 0 : received;
}

ssize_t resolve(uid_t uid, struct answer *answer)
{
    struct request request = question(REQUEST_RESOLVE, uid);

    memset(answer, 0, sizeof *answer);
    return ask(&request, sizeof request, answer, sizeof *answer);
}
