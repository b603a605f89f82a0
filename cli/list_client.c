#include "list_client.h"

#include "cleanup.h"
#include "identity/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    PATIENCE_SECONDS = 5,
    MOST_ENTRIES = 1 << 20, /* whoever it is does not fill our memory */
};

struct answer {
    struct list_entry *entries;
    unsigned count, room;
};

/* Whose process it is: this directory is its own even where it is not dumpable, unlike the rest. */
static int owner_of(pid_t process, uid_t *owner)
{
    char path[32];
    struct stat status;

    snprintf(path, sizeof path, "/proc/%d", (int)process);
    if (stat(path, &status) < 0)
        return -errno;
    *owner = status.st_uid;
    return 0;
}

/* Returns the socket or -errno. */
static int connect_to(pid_t run)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    cleanup_descriptor int opened = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;
    socklen_t length = list_server_address(run, &address);

    if (opened < 0 || setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        connect(opened, (struct sockaddr *)&address, length) < 0)
        return -errno;
    return descriptor_steal(&opened);
}

static int check_other_end(int socket, uid_t owner)
{
    struct identity other;
    int error = identity_of_connection(socket, &other);

    if (error < 0)
        return error;
    if (other.kind != IDENTITY_USER)
        return -EPERM;
    return other.uid == 0 || other.uid == owner ? 0 : -EPERM;
}

static int take_entries(struct answer *answer, const struct list_message *message)
{
    if (answer->count > MOST_ENTRIES)
        return -EPROTO;
    if (answer->count + message->count > answer->room) {
        unsigned room = 2 * answer->room + LIST_BATCH;
        struct list_entry *entries = reallocarray(answer->entries, room, sizeof *entries);

        if (entries == NULL)
            return -ENOMEM;
        answer->entries = entries;
        answer->room = room;
    }
    for (unsigned i = 0; i < message->count; i++) {
        struct list_entry *entry = &answer->entries[answer->count + i];

        *entry = message->entries[i];
        entry->account[sizeof entry->account - 1] = '\0';
        if (entry->state >= LIST_STATES)
            return -EPROTO;
    }
    answer->count += message->count;
    return 0;
}

/* One message: 1 if there are more to come, 0 after the last, or -errno. */
static int receive(int socket, struct answer *answer)
{
    struct list_message message = {.count = 0};
    const size_t header = offsetof(struct list_message, entries);
    ssize_t length = recv(socket, &message, sizeof message, 0);
    int error;

    if (length < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    if (length == 0)
        return -ECONNRESET;
    if ((size_t)length < header || message.magic != LIST_MAGIC || message.count > LIST_BATCH ||
        (size_t)length != header + message.count * sizeof message.entries[0])
        return -EPROTO;
    if (message.kind == LIST_DENIED)
        return -EACCES;
    error = take_entries(answer, &message);
    return error < 0 ? error : message.kind != LIST_END;
}

static int explain(pid_t run, int error, char *message, size_t size)
{
    const char *what;

    if (error == -EAGAIN)
        error = -ETIMEDOUT;
    switch (error) {
    case -ESRCH:
        snprintf(
            message, size, "there is no process %d: name the one that 'wsapeer run' is", (int)run);
        return -ENOENT;
    case -ECONNREFUSED:
        snprintf(message, size,
            "process %d has no instances of a server (or is in another network namespace): name "
            "the one that 'wsapeer run' is, run with --isolate=account",
            (int)run);
        return -ENOENT;
    case -ETIMEDOUT:
        what = "it does not answer: is it stopped?";
        break;
    case -EACCES:
        what = "it tells only root and the user that it is: ask as one of them";
        break;
    case -EPERM:
        what = "the one who answers for it is another user, who is not believed: see ss -xlp";
        break;
    case -EPROTO:
        what = "its answer is not of this version: use the same version for both";
        break;
    case -ECONNRESET:
        what = "its answer was cut short: ask again";
        break;
    default:
        what = strerror(-error);
        break;
    }
    snprintf(message, size, "cannot ask process %d for its instances: %s", (int)run, what);
    return error;
}

static int ask(pid_t run, struct answer *answer)
{
    uid_t owner = 0;
    int error = owner_of(run, &owner);
    cleanup_descriptor int socket = -1;

    if (error < 0)
        return error == -ENOENT ? -ESRCH : error;
    socket = connect_to(run);
    error = socket < 0 ? socket : check_other_end(socket, owner);
    if (error < 0)
        return error;
    do
        error = receive(socket, answer);
    while (error > 0);
    return error;
}

int list_client_ask(
    pid_t run, struct list_entry **entries, unsigned *count, char *message, size_t size)
{
    struct answer answer = {.entries = NULL};
    int error = ask(run, &answer);

    *entries = NULL;
    *count = 0;
    if (error < 0) {
        free(answer.entries);
        return explain(run, error, message, size);
    }
    *entries = answer.entries;
    *count = answer.count;
    return 0;
}
