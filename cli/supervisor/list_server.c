#include "list_server.h"

#include "cleanup.h"
#include "identity/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 16,
    MOST_AT_ONCE = 64,      /* clients of the service wait meanwhile */
    ANSWER_SIZE = 16 << 20, /* more instances than a machine can bear */
    HEADER_SIZE = offsetof(struct list_message, entries),
};

socklen_t list_server_address(pid_t run, struct sockaddr_un *address)
{
    int length;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    length = snprintf(
        address->sun_path + 1, sizeof address->sun_path - 1, "wsapeer-instances-%d", (int)run);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

int list_server_open(pid_t run)
{
    cleanup_descriptor int listener =
        socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;
    socklen_t length = list_server_address(run, &address);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 ||
        listen(listener, BACKLOG) < 0)
        return -errno;
    return descriptor_steal(&listener);
}

static bool may_ask(int asker)
{
    struct identity peer;

    if (identity_of_connection(asker, &peer) < 0 || peer.kind != IDENTITY_USER)
        return false;
    return peer.uid == 0 || peer.uid == geteuid();
}

static bool send_message(int asker, const struct list_message *message)
{
    size_t size = HEADER_SIZE + message->count * sizeof message->entries[0];

    return send(asker, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

/* What is not taken away at once stands in the socket's buffer, so that has to hold all of it. */
static void make_room(int asker)
{
    const int size = ANSWER_SIZE;

    if (setsockopt(asker, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(asker, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static void answer(int asker,
    unsigned (*each)(void *context, unsigned index, struct list_entry *entry), void *context)
{
    struct list_message message = {.magic = LIST_MAGIC, .kind = LIST_ENTRIES};
    unsigned index = 0;

    if (!may_ask(asker)) {
        message.kind = LIST_DENIED;
        send_message(asker, &message);
        return;
    }
    make_room(asker);
    do {
        for (message.count = 0; message.count < LIST_BATCH; message.count++, index++) {
            memset(&message.entries[message.count], 0, sizeof message.entries[0]);
            if (!each(context, index, &message.entries[message.count]))
                break;
        }
        if (message.count > 0 && !send_message(asker, &message))
            return;
    } while (message.count == LIST_BATCH);
    message.kind = LIST_END;
    message.count = 0;
    send_message(asker, &message);
}

void list_server_answer(int listener,
    unsigned (*each)(void *context, unsigned index, struct list_entry *entry), void *context)
{
    for (int i = 0; i < MOST_AT_ONCE; i++) {
        cleanup_descriptor int asker = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (asker >= 0)
            answer(asker, each, context);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}
