/*
 * passed.c: sockets that come to a process by other ways than accept: in a message (SCM_RIGHTS,
 * unix(7)), fetched from another process (pidfd_getfd(2)), or open from the start (socket
 * activation, inetd).
 *
 * Invariant: a process that is given a client's connection serves, as if it had accepted it. The
 * peer is looked up at once; its scope begins at the read. Who is refused is cut off. A process
 * that is one account's for good has that account's connections alone.
 */
#include "scope/passed.h"

#include "kernel.h"
#include "scope/admission.h"
#include "scope/control.h"
#include "scope/inherited.h"
#include "scope/only.h"
#include "scope/scope.h"
#include "scope/senders.h"
#include "scope/thread.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

static int option(int number, int name)
{
    int value = 0;
    socklen_t length = sizeof value;

    return kernel_getsockopt(number, SOL_SOCKET, name, &value, &length) < 0 ? -1 : value;
}

/* Was it bound, by whoever made it? A client's own socket has no port and no path. */
static bool has_name(int number)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;

    if (kernel_getsockname(number, (struct sockaddr *)&address, &length) < 0)
        return false;
    if (address.ss_family == AF_UNIX)
        return length > offsetof(struct sockaddr_un, sun_path);
    return ((struct sockaddr_in *)&address)->sin_port != 0; /* where sin6_port is, too */
}

/*
 * A stream with a client at the other end? An AF_UNIX socket without a name of its own is one of a
 * pair, or one that the server itself connected: its own affair.
 */
static bool is_clients(int number)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    int type = option(number, SO_TYPE);

    if ((type != SOCK_STREAM && type != SOCK_SEQPACKET) ||
        kernel_getsockname(number, (struct sockaddr *)&address, &length) < 0)
        return false;
    if (address.ss_family == AF_UNIX)
        return length > offsetof(struct sockaddr_un, sun_path);
    length = sizeof address;
    return (address.ss_family == AF_INET || address.ss_family == AF_INET6) &&
           kernel_getpeername(number, (struct sockaddr *)&address, &length) == 0;
}

/* A peer that is refused is recorded as nobody's: what it has sent already is refused with it. */
static void take_connection(int number, bool cut_off)
{
    struct admission admission = {.account = {.uid = (uid_t)-1}};

    admission_judge(-1, number, &admission);
    if (admission.verdict != ACCOUNT_SERVED) {
        admission.account.uid = (uid_t)-1;
        admission_report(EVENT_REFUSED, &admission);
    }
    if (admission_record(number, &admission) < 0 ||
        (cut_off && admission.verdict != ACCOUNT_SERVED))
        kernel_call(SYS_shutdown, number, SHUT_RDWR, 0, 0, 0, 0);
}

/* In a process that is one account's for good: connections of that account, and of nobody else. */
static bool take_own(int number)
{
    struct admission admission = {.verdict = ACCOUNT_ANOTHERS, .account = {.uid = (uid_t)-1}};

    descriptor_forget(number);
    if (option(number, SO_ACCEPTCONN) == 1) {
        scope_listening(number);
    } else if (is_clients(number)) {
        identity_of_connection(number, &admission.peer);
        if (sender_is_own(&admission.peer))
            admission.account.uid = process.sealed_as;
        else
            admission_report(EVENT_REFUSED, &admission);
        if (admission_record(number, &admission) < 0 || admission.account.uid == (uid_t)-1)
            kernel_call(SYS_shutdown, number, SHUT_RDWR, 0, 0, 0, 0);
    } else if (has_name(number) && scope_bound(number) < 0) {
        kernel_close(number);
    }
    return true;
}

static bool take(int number)
{
    descriptor_forget(number); /* whatever had the number is gone */
    if (option(number, SO_ACCEPTCONN) == 1) {
        scope_listening(number);
    } else if (process.scopes && is_clients(number) && !only_names(number)) {
        thread_end_scope();
        only_record(number);
    } else if (process.scopes && is_clients(number)) {
        process_begin_serving();
        thread_end_scope();
        take_connection(number, true);
    } else if (has_name(number) && scope_bound(number) < 0) {
        kernel_close(number);
    }
    return true;
}

/* The descriptors of one SCM_RIGHTS. */
static bool visit_rights(const struct cmsghdr *rights, bool (*visit)(int number))
{
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= rights->cmsg_len; at += sizeof(int)) {
        int number;

        memcpy(&number, (const char *)rights + at, sizeof number);
        if (!visit(number))
            return false;
    }
    return true;
}

bool scope_visit_passed(const struct msghdr *message, bool (*visit)(int number))
{
    struct cmsghdr *c =
        message->msg_control && message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;

    for (; c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && !visit_rights(c, visit))
            return false;
    return true;
}

void scope_passed(const struct msghdr *message)
{
    if (process.admits)
        scope_visit_passed(message, take);
    else if (process.sealed)
        scope_visit_passed(message, take_own);
}

void scope_fetched(int number)
{
    if (process.admits && number >= 0)
        take(number);
    else if (process.sealed && number >= 0)
        take_own(number);
}

static bool discard(int number)
{
    kernel_close(number);
    return true;
}

/* The sender's pidfd (SO_PASSPIDFD) is made by the kernel; it comes one at a time, -1 for none. */
static void discard_pidfd(const struct msghdr *message)
{
    struct cmsghdr *c =
        message->msg_control && message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;

    for (; c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_PIDFD &&
            c->cmsg_len >= CMSG_LEN(sizeof(int)))
            visit_rights(c, discard);
}

void scope_discard(const struct msghdr *message)
{
    scope_visit_passed(message, discard);
    discard_pidfd(message);
}

/*
 * Nothing is cut off here: what the process was started with may be its administrator's own. It
 * serves from the first use; a read from a connection begins its peer's scope.
 */
static void take_inherited(int number, void *context)
{
    int accepts = option(number, SO_ACCEPTCONN);

    (void)context;
    if (accepts == 1)
        scope_listening(number);
    else if (accepts == 0 && process.scopes && is_clients(number) && !only_names(number))
        only_record(number);
    else if (accepts == 0 && process.scopes && is_clients(number))
        take_connection(number, false);
    else if (accepts == 0 && has_name(number) && scope_bound(number) < 0)
        kernel_close(number);
}

void passed_find_inherited(void)
{
    inherited_visit(take_inherited, NULL);
}
