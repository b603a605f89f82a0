#include "connections.h"

#include "process_tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LEAST_ROOM = 64,
    MOST_ROOM = 65536,
    MOST_DESCRIPTORS = 16384, /* of one instance are looked at: who has more is busy */
    A_PROCESS = 16,           /* costs as much as so many descriptors */
};

struct search {
    ino_t *seen; /* sorted afterwards; allocated */
    size_t count, room;
    unsigned looked_at;
};

static int compare(const void *a, const void *b)
{
    ino_t one = *(const ino_t *)a, other = *(const ino_t *)b;

    return one < other ? -1 : one > other;
}

static void see(struct search *search, ino_t inode)
{
    if (search->count == search->room) {
        size_t room = search->room ? 2 * search->room : LEAST_ROOM;
        ino_t *seen = reallocarray(search->seen, room, sizeof *seen);

        if (!seen)
            return;
        search->seen = seen;
        search->room = room;
    }
    search->seen[search->count++] = inode;
}

static int look_at_process(pid_t pid, void *context)
{
    struct search *search = context;
    char path[300], target[64];
    struct dirent *entry;
    DIR *directory;

    search->looked_at += A_PROCESS;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    while (directory && search->looked_at < MOST_DESCRIPTORS && (entry = readdir(directory))) {
        unsigned long inode;
        ssize_t length;

        snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
        search->looked_at++;
        length = readlink(path, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        if (sscanf(target, "socket:[%lu]", &inode) == 1)
            see(search, inode);
    }
    if (directory)
        closedir(directory);
    return search->looked_at < MOST_DESCRIPTORS ? 0 : 1;
}

void connections_count(struct connections *connections, pid_t keeper, bool under_way)
{
    struct search search = {.seen = NULL};
    unsigned open = 0;

    if (connections->count == 0 || under_way)
        return;
    if (process_tree_visit(keeper, look_at_process, &search) == 0) {
        if (search.count > 0)
            qsort(search.seen, search.count, sizeof search.seen[0], compare);
        for (unsigned i = 0; i < connections->count; i++)
            if (search.count > 0 && bsearch(&connections->inodes[i], search.seen, search.count,
                                        sizeof search.seen[0], compare))
                connections->inodes[open++] = connections->inodes[i];
        connections->count = open;
    }
    free(search.seen);
}

bool connections_are_full(const struct connections *connections)
{
    return connections->count == connections->room;
}

static void make_room(struct connections *connections)
{
    unsigned room = connections->room ? 2 * connections->room : LEAST_ROOM;
    ino_t *inodes;

    if (room > MOST_ROOM)
        return;
    inodes = reallocarray(connections->inodes, room, sizeof *inodes);
    if (!inodes)
        return;
    connections->inodes = inodes;
    connections->room = room;
}

void connections_note(struct connections *connections, int connection)
{
    struct stat status;

    if (connections_are_full(connections))
        make_room(connections);
    if (!connections_are_full(connections) && fstat(connection, &status) == 0)
        connections->inodes[connections->count++] = status.st_ino;
}

void connections_forget(struct connections *connections)
{
    free(connections->inodes);
    *connections = (struct connections){.inodes = NULL};
}
