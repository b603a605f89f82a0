#include "guard.h"

#include "account/nss.h"
#include "cleanup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { GUARD_COUNT = GUARD_LAST - GUARD_FIRST + 1 };

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static void close_directory(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

void guard_mark(const char *line, bool used[GUARD_COUNT])
{
    if (strncmp(line, "Uid:", 4) && strncmp(line, "Gid:", 4) && strncmp(line, "Groups:", 7))
        return;
    for (const char *at = strchr(line, ':') + 1; *at;) {
        char *end;
        unsigned long id = strtoul(at, &end, 10);

        if (end == at)
            return;
        if (id >= GUARD_FIRST && id <= GUARD_LAST)
            used[id - GUARD_FIRST] = true;
        at = end;
    }
}

/* A process that ends while we look is no user of any id: only what can be read counts. */
static void mark_process(const char *pid, bool used[GUARD_COUNT])
{
    __attribute__((cleanup(close_file))) FILE *file = NULL;
    cleanup_memory char *line = NULL;
    size_t size = 0;
    char path[64];

    snprintf(path, sizeof path, "/proc/%.20s/status", pid);
    file = fopen(path, "re");
    while (file && getline(&line, &size, file) > 0)
        guard_mark(line, used);
}

static int mark_processes(bool used[GUARD_COUNT])
{
    __attribute__((cleanup(close_directory))) DIR *proc = opendir("/proc");
    struct dirent *entry;

    if (!proc)
        return -errno;
    while ((entry = readdir(proc))) {
        if (isdigit((unsigned char)entry->d_name[0]))
            mark_process(entry->d_name, used);
    }
    return 0;
}

/* 1 if neither an account nor a group has the number, 0 if one has, -errno if nobody can tell. */
static int is_nobodys(uid_t id)
{
    char name[256];
    int error = account_user_name(id, name, sizeof name);

    if (error == -ENOENT)
        error = account_group_name(id, name, sizeof name);
    if (error == -ENOENT)
        return 1;
    return error == 0 || error == -ERANGE ? 0 : error;
}

int guard_pick(uid_t ids[], size_t count)
{
    bool used[GUARD_COUNT] = {false};
    unsigned start;
    size_t found = 0;
    int error;

    if (getrandom(&start, sizeof start, 0) != sizeof start)
        return -errno;
    error = mark_processes(used);
    for (unsigned i = 0; error >= 0 && i < GUARD_COUNT && found < count; i++) {
        unsigned at = (start % GUARD_COUNT + i) % GUARD_COUNT;

        if (used[at])
            continue;
        error = is_nobodys(GUARD_FIRST + at);
        if (error > 0)
            ids[found++] = GUARD_FIRST + at;
    }
    if (error < 0)
        return error;
    return found == count ? 0 : -ENOENT;
}
