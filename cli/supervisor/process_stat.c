#include "process_stat.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int process_stat_read(pid_t pid, struct process_stat *stat)
{
    char path[32], text[1024];
    cleanup_descriptor int file = -1;
    const char *end;
    ssize_t size;
    int parent, session;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    size = file < 0 ? file : kernel_read(file, text, sizeof text - 1);
    if (size <= 0)
        return -ESRCH;
    text[size] = '\0';
    end = strrchr(text, ')'); /* the name before it may hold anything */
    if (!end || sscanf(end + 1, " %c %d %*d %d", &stat->state, &parent, &session) != 3)
        return -ESRCH;
    stat->parent = parent;
    stat->session = session;
    return 0;
}
