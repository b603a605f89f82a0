/* registrations.c: see registrations.h; the lines are those of proc_pid_fdinfo(5). */
#include "instance/registrations.h"

#include "cleanup.h"
#include "scope/descriptors.h"
#include "scope/scope.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One set's lines, read piece by piece. */
struct reader {
    int file;
    size_t size;
    char buffer[1024];
};

struct search {
    int number;
    uint64_t inode; /* of the socket: another's registration may stand there by the same number */
    unsigned count;
    bool tells;
    struct registration *list;
};

/* The number behind `name` in the line, in that base. False if there is none. */
static bool field(const char *line, const char *name, int base, uint64_t *value)
{
    const char *at = strstr(line, name);
    char *end;

    if (!at)
        return false;
    at += strlen(name);
    *value = strtoull(at, &end, base);
    return end != at;
}

/* "tfd:        4 events:       1d data:                0  pos:0 ino:3c9dde sdev:9" */
static bool parse(const char *line, const struct search *search, struct epoll_event *event)
{
    uint64_t number, events, data, inode;

    if (!field(line, "tfd:", 10, &number) || !field(line, "events:", 16, &events) ||
        !field(line, "data:", 16, &data) || !field(line, "ino:", 16, &inode))
        return false;
    if (number != (uint64_t)search->number || inode != search->inode)
        return false;
    event->events = (uint32_t)events;
    event->data.u64 = data;
    return true;
}

/* The next line, without its end; NULL when there is none. Valid until the next call. */
static char *next_line(struct reader *reader, size_t *used)
{
    memmove(reader->buffer, reader->buffer + *used, reader->size - *used);
    reader->size -= *used;
    for (;;) {
        char *end = memchr(reader->buffer, '\n', reader->size);
        ssize_t more;

        if (end) {
            *end = '\0';
            *used = (size_t)(end - reader->buffer) + 1;
            return reader->buffer;
        }
        more = kernel_read(
            reader->file, reader->buffer + reader->size, sizeof reader->buffer - reader->size);
        if (more <= 0)
            return NULL;
        reader->size += (size_t)more;
    }
}

static bool find(int set, const struct search *search, struct epoll_event *event)
{
    struct reader reader = {.size = 0};
    cleanup_descriptor int file = -1;
    char path[48];
    size_t used = 0;
    char *line;

    snprintf(path, sizeof path, "/proc/thread-self/fdinfo/%d", set);
    reader.file = file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    while (file >= 0 && (line = next_line(&reader, &used)))
        if (parse(line, search, event))
            return true;
    return false;
}

static void take(int set, const struct descriptor *entry, void *context)
{
    struct search *search = context;
    struct registration *place = &search->list[search->count];

    if (entry->kind != DESCRIPTOR_EPOLL || search->count == REGISTRATIONS)
        return;
    if (!find(set, search, &place->event))
        return;
    place->set = set;
    if (kernel_call(SYS_epoll_ctl, set, EPOLL_CTL_DEL, search->number, 0, 0, 0) == 0)
        search->count++;
}

static void tell(int set, const struct descriptor *entry, void *context)
{
    struct search *search = context;
    struct epoll_event event;

    if (entry->kind != DESCRIPTOR_EPOLL || !find(set, search, &event))
        return;
    search->count++;
    if (search->tells)
        scope_epoll_added(set, search->number);
}

static unsigned visit(
    struct search *search, void (*with)(int set, const struct descriptor *entry, void *context))
{
    struct stat status;

    if (kernel_call(SYS_fstat, search->number, (long)&status, 0, 0, 0, 0) < 0)
        return 0;
    search->inode = status.st_ino;
    descriptor_visit(with, search);
    return search->count;
}

unsigned registrations_take(int number, struct registration list[REGISTRATIONS])
{
    struct search search = {.number = number, .list = list};

    return visit(&search, take);
}

bool registrations_tell(int number)
{
    struct search search = {.number = number, .tells = true};

    return visit(&search, tell) > 0;
}

bool registrations_has(int number)
{
    struct search search = {.number = number};

    return visit(&search, tell) > 0;
}

void registrations_put(int number, const struct registration list[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        kernel_call(SYS_epoll_ctl, list[i].set, EPOLL_CTL_ADD, number, (long)&list[i].event, 0, 0);
}
