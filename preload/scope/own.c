/*
 * own.c: what is made in a scope is that peer's, also when the server keeps it for the next.
 *
 * Invariant: in the scope of B nothing is read from or written to what was made in the scope of A,
 * unless it is a file that B may open in the same way, by the same path. At ground everything may
 * be used: what a peer's response still needs was opened with that peer's rights.
 */
#include "scope/scope.h"

#include "cleanup.h"
#include "scope/thread.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static void made(int number, enum descriptor_kind kind)
{
    struct descriptor entry = {.kind = (uint8_t)kind, .account_uid = thread_state.account};

    if (!process.wrapped || number < 0)
        return;
    if (thread_in_scope() && thread_is_own())
        descriptor_record(number, &entry);
    else if (descriptor_find(number) && thread_is_own())
        descriptor_forget(number); /* something was closed behind our back */
}

void scope_made_file(int number)
{
    made(number, DESCRIPTOR_FILE);
}

void scope_made_socket(int number)
{
    made(number, DESCRIPTOR_SOCKET);
}

static int status_of(int number, struct stat *status)
{
    return (int)kernel_call(SYS_newfstatat, number, (long)"", (long)status, AT_EMPTY_PATH, 0, 0);
}

/* The path it was opened by, found again with the thread's own rights: a descriptor or -errno. */
static int find_again(int number)
{
    char link[32], path[4096];
    long length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", number);
    length = kernel_call(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, sizeof path - 1, 0, 0);
    if (length < 0)
        return (int)length;
    path[length] = '\0';
    return path[0] == '/' ? kernel_openat(AT_FDCWD, path, O_PATH) : -ENOENT;
}

/*
 * May this peer open the file as it was opened? Asked of the very inode that the path leads to, so
 * that nobody can exchange it between the question and the comparison.
 */
static bool may_open_too(int number)
{
    static const int modes[] = {[O_RDONLY] = 4, [O_WRONLY] = 2, [O_RDWR] = 6};
    cleanup_descriptor int found = find_again(number);
    int flags = kernel_fcntl(number, F_GETFL, 0);
    struct stat ours, theirs;

    if (found < 0 || flags < 0 || (flags & O_ACCMODE) > O_RDWR)
        return false;
    if (status_of(number, &ours) < 0 || status_of(found, &theirs) < 0 ||
        ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
        return false;
    if (flags & O_PATH) /* only to find others by */
        return true;
    return kernel_call(SYS_faccessat2, found, (long)"", modes[flags & O_ACCMODE],
               AT_EMPTY_PATH | AT_EACCESS, 0, 0) == 0;
}

static bool belongs_to(int number, const struct descriptor *entry, uid_t account)
{
    if (entry->account_uid == account)
        return true;
    switch (entry->kind) {
    case DESCRIPTOR_FILE:
        return may_open_too(number);
    case DESCRIPTOR_SOCKET:
        return false;
    case DESCRIPTOR_PIPE:
        return entry->serial == 0 || !(entry->flags & PIPE_CARRIES_DATA);
    default:
        return true;
    }
}

bool scope_may_use(int number)
{
    bool acts = thread_in_scope() || process.sealed;
    const struct descriptor *entry = acts ? descriptor_find(number) : NULL;

    if (!entry ||
        belongs_to(number, entry, process.sealed ? process.sealed_as : thread_state.account))
        return true;
    errno = entry->kind == DESCRIPTOR_FILE ? EACCES : EPIPE;
    return false;
}

bool scope_may_send(const struct msghdr *message)
{
    return !thread_in_scope() || scope_visit_passed(message, scope_may_use);
}
