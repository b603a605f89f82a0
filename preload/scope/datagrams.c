/*
 * datagrams.c: the way of one datagram: from the socket to its sender's scope.
 *
 * Every receive on a served datagram socket is a recvmsg(2) here, because who sent a datagram is
 * told beside it. It ends the scope before it and begins its sender's; who is refused, the server
 * never hears of.
 *
 * How it fails: a datagram whose sender is not known, or not to be served, is dropped. A call that
 * may wait goes on waiting; one that may not, or that follows a wait for the socket, gives EAGAIN,
 * as if it had been lost on its way.
 */
#include "scope/scope.h"

#include "credentials/credentials.h"
#include "kernel.h"
#include "libc.h"
#include "scope/admission.h"
#include "scope/control.h"
#include "scope/handlers.h"
#include "scope/thread.h"

#include <errno.h>
#include <string.h>

enum {
    OTHERS_IN_A_ROW = 512, /* more than wait in a socket's queue of the usual size */
    MOST_CONTROL = 4096,   /* more than the kernel has for one message */
};

/* ---- options ----------------------------------------------------------------------------------
 */

enum { /* flags of a descriptor that receives datagrams: what the server itself asked for */
    DATAGRAMS_WANT_CREDENTIALS = 1,
    DATAGRAMS_WANT_MARK = 2,
};

static unsigned char flag_of(int option)
{
    return option == SO_PASSCRED ? DATAGRAMS_WANT_CREDENTIALS : DATAGRAMS_WANT_MARK;
}

static struct descriptor *datagrams_of(int number)
{
    struct descriptor *entry = process.wrapped ? descriptor_find(number) : NULL;

    return entry && entry->kind == DESCRIPTOR_DATAGRAMS ? entry : NULL;
}

bool scope_set_option(int number, int level, int option, const void *value, socklen_t length)
{
    struct descriptor *entry =
        identity_is_datagram_option(level, option) ? datagrams_of(number) : NULL;
    int on = 0;

    if (!entry || !value || length < sizeof on)
        return false;
    memcpy(&on, value, sizeof on);
    if (on)
        entry->flags |= flag_of(option);
    else
        entry->flags &= (uint8_t)~flag_of(option);
    return true;
}

bool scope_get_option(int number, int level, int option, void *value, socklen_t *length)
{
    const struct descriptor *entry =
        identity_is_datagram_option(level, option) ? datagrams_of(number) : NULL;
    int on;

    if (!entry || !value || !length)
        return false;
    on = (entry->flags & flag_of(option)) != 0;
    if (*length > sizeof on)
        *length = sizeof on;
    memcpy(value, &on, *length);
    return true;
}

/* Bound, or bound when it came: from now on its messages say who sent them. */
void scope_bound(int number)
{
    struct descriptor entry = {.kind = DESCRIPTOR_DATAGRAMS};
    socklen_t length = sizeof(int);
    int type = 0, family = 0, credentials = 0;

    if (!process.wrapped || process.sealed ||
        kernel_getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
        kernel_getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        return;
    if (type != SOCK_DGRAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        return;
    kernel_getsockopt(number, SOL_SOCKET, SO_PASSCRED, &credentials, &length);
    if (credentials && !datagrams_of(number))
        entry.flags |= DATAGRAMS_WANT_CREDENTIALS;
    kernel_socket_cookie(number, &entry.cookie);
    descriptor_record(number, &entry);
    identity_prepare_datagrams(number, process.settings.stamped_netns);
}

/* ---- whose it is ------------------------------------------------------------------------------
 */

static struct sender sender_of(const struct identity *peer)
{
    struct sender sender = {.uid = (uid_t)-1};

    if (peer->kind == IDENTITY_USER)
        sender.uid = peer->uid;
    else if (peer->kind == IDENTITY_HOST)
        sender.address = peer->peer.address;
    return sender;
}

static bool is_same_sender(const struct sender *sender, const struct identity *peer)
{
    static const struct in6_addr none;
    struct sender other = sender_of(peer);

    if (peer->kind == IDENTITY_NONE || sender->uid != other.uid)
        return false;
    return sender->uid != (uid_t)-1 ||
           (memcmp(&sender->address, &none, sizeof none) != 0 &&
               memcmp(&sender->address, &other.address, sizeof none) == 0);
}

/* In a process that is one account's for good: who it was sealed for, or that account's own. */
static bool is_own(const struct identity *peer)
{
    if (process.instance)
        return peer->kind == IDENTITY_USER && peer->uid != 0 &&
               peer->uid == (uid_t)kernel_call(SYS_geteuid, 0, 0, 0, 0, 0, 0);
    return is_same_sender(&process.sealed_for, peer);
}

/* False: it is to be dropped; who it was has been reported. */
static bool serve(int number, struct admission *admission)
{
    if (process.sealed || process.instance) {
        admission->verdict =
            admission->peer.kind == IDENTITY_NONE ? ACCOUNT_NO_IDENTITY : ACCOUNT_NOT_ALLOWED;
        return is_own(&admission->peer);
    }
    admission_judge_peer(number, admission);
    if (process.settings.mode == PROTECT_SCOPES && !process.scopes)
        admission->verdict = ACCOUNT_NO_PRIVILEGE; /* nothing that could serve it */
    if (process.settings.mode == PROTECT_OBSERVE) {
        admission_report(EVENT_OBSERVED, admission);
        return true;
    }
    if (admission->verdict == ACCOUNT_SERVED && handlers_are_wanted() && !handlers_are_possible())
        admission->verdict = ACCOUNT_SEVERAL_THREADS;
    if (admission->verdict != ACCOUNT_SERVED)
        return false;
    if (process.scopes && thread_state.is_loop && !process.settings.inline_loops) {
        process_report_loop();
    } else if (process.scopes) {
        int result = thread_begin_scope(number, admission->peer.cookie, &admission->account, false);

        thread_state.sender = sender_of(&admission->peer);
        if (result < 0) {
            admission->verdict = ACCOUNT_SWITCH_FAILED;
            admission->error = -result;
            return false;
        }
    }
    if (process.settings.report_served)
        admission_report(EVENT_SERVED, admission);
    return true;
}

/* ---- receiving --------------------------------------------------------------------------------
 */

/* What is refused after a look at it is still there. */
static void drop(int number, const struct msghdr *own, int flags, struct admission *admission)
{
    char nothing;

    admission_report(EVENT_REFUSED, admission);
    scope_discard(own);
    if (flags & MSG_PEEK)
        kernel_recvfrom(number, &nothing, sizeof nothing, MSG_DONTWAIT | MSG_TRUNC);
}

static void hand_over(int number, const struct msghdr *own, struct msghdr *message)
{
    const struct descriptor *entry = datagrams_of(number);
    unsigned flags = entry ? entry->flags : 0;
    struct wanted_facts wanted = {
        flags & DATAGRAMS_WANT_CREDENTIALS, (flags & DATAGRAMS_WANT_MARK) != 0};

    if (message->msg_name && message->msg_namelen > 0)
        memcpy(message->msg_name, own->msg_name,
            message->msg_namelen < own->msg_namelen ? message->msg_namelen : own->msg_namelen);
    message->msg_namelen = message->msg_name ? own->msg_namelen : 0;
    control_hand_over(own, message, &wanted);
}

/* Of one datagram: its size, -1 with errno, or that the server does not get it here. */
enum { DROPPED = -2, HANDED_ON = -3 };

static ssize_t receive_one(int number, struct msghdr *message, int flags)
{
    union {
        struct cmsghdr header;
        char space[MOST_CONTROL];
    } control;
    struct sockaddr_storage sender = {.ss_family = AF_UNSPEC};
    struct msghdr own = *message;
    struct admission admission = {.account = {.uid = (uid_t)-1}};
    ssize_t result;

    own.msg_name = &sender;
    own.msg_namelen = sizeof sender;
    own.msg_control = &control;
    own.msg_controllen = sizeof control;
    result = libc_calls()->recvmsg(number, &own, flags);
    if (result < 0)
        return -1;
    identity_of_datagram(number, process.settings.stamped_netns, &own, &admission.peer);
    if (!serve(number, &admission)) {
        drop(number, &own, flags, &admission);
        return DROPPED;
    }
    hand_over(number, &own, message);
    if (!handlers_are_wanted() || flags & MSG_PEEK)
        return result;
    if (thread_in_scope() && handlers_fork() == 0)
        return result;
    scope_discard(message); /* as cut by then: the rest is closed already */
    return HANDED_ON;
}

static bool may_wait(int number, int flags)
{
    return !(flags & MSG_DONTWAIT) && !(kernel_fcntl(number, F_GETFL, 0) & O_NONBLOCK);
}

static bool is_strangers(void)
{
    return process.scopes && thread_state.tid && !thread_is_own();
}

ssize_t scope_receive_datagram(int number, struct msghdr *message, int flags)
{
    bool woken = thread_state.was_woken;
    const struct msghdr asked = *message;
    ssize_t result;

    if (flags & MSG_ERRQUEUE) /* what the server sent itself, and came back */
        return libc_calls()->recvmsg(number, message, flags);
    if (is_strangers()) {
        errno = EPERM;
        return -1;
    }
    thread_state.was_woken = false;
    for (int others = 0; others < OTHERS_IN_A_ROW; others++) {
        if (handlers_are_wanted())
            handlers_await_place();
        *message = asked;
        result = receive_one(number, message, flags);
        if (result >= -1)
            return result;
        thread_end_scope();
        if (woken)
            break;
        if (may_wait(number, flags))
            others = 0;
    }
    errno = EAGAIN;
    return -1;
}
