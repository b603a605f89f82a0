#include "scope/inherited.h"

#include "cleanup.h"

#include <dirent.h>
#include <stdlib.h>

enum { WITHOUT_PROC = 1024 };

static void visit_name(const char *name, int directory, void (*visit)(int, void *), void *context)
{
    char *end;
    long number = strtol(name, &end, 10);

    if (*name != '\0' && *end == '\0' && number != directory)
        visit((int)number, context);
}

void inherited_visit(void (*visit)(int number, void *context), void *context)
{
    _Alignas(struct dirent64) char buffer[2048];
    cleanup_descriptor int directory =
        kernel_openat(AT_FDCWD, "/proc/thread-self/fd", O_RDONLY | O_DIRECTORY);
    long size;

    for (int number = 0; directory < 0 && number < WITHOUT_PROC; number++)
        if (kernel_fcntl(number, F_GETFD, 0) >= 0)
            visit(number, context);
    while (directory >= 0 && (size = kernel_call(SYS_getdents64, directory, (long)buffer,
                                  sizeof buffer, 0, 0, 0)) > 0) {
        for (long at = 0; at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);

            visit_name(entry->d_name, directory, visit, context);
            at += entry->d_reclen;
        }
    }
}
