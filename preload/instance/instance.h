/*
 * instance.h: the inside of an instance: what looks like a listener and is the supervisor's.
 *
 * What must always hold: in an instance no listener of the server's own brings it clients. Where
 * the server listens, the supervisor has the listener, and the server's descriptor is a stand-in: a
 * socket on which each message is one connection, of the one account that this instance is for. A
 * stand-in polls, accepts and names itself as the listener would. The supervisor, not this code,
 * decides who comes and when the processes are sealed: a hostile server cheats only itself.
 *
 * Called by hooks/ ahead of what scope/ says (hooks -> instance -> scope). Outside instances
 * (settings.isolation is ISOLATION_SCOPES) each function is one comparison. No allocation, no lock;
 * errno is kept unless a call fails; any thread, safe after fork. Stand-ins are known by their
 * cookie, so that copies (dup, fork, SCM_RIGHTS) are what they are copies of; that a number is one
 * is written down in scope's table (DESCRIPTOR_STAND_IN).
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/*
 * In the library's constructor, behind scope_start(): listeners and stand-ins that the process was
 * born with. In an instance an inherited listener is offered to the supervisor at once.
 */
void instance_start(void);

/* Is `number` a stand-in, proved by its cookie? One load for every other descriptor. */
bool instance_is_stand_in(int number);

/*
 * bind(2) and listen(2) in an instance. False: not ours, the hook makes the real call and then
 * calls instance_bound() or instance_listening() if that succeeded. True: *result and errno are the
 * answer. An address that the supervisor serves already is not bound again.
 */
bool instance_bind(int number, const struct sockaddr *address, socklen_t length, int *result);
void instance_bound(int number, const struct sockaddr *address, socklen_t length);
bool instance_listen(int number, int backlog, int *result);

/*
 * listen(2) has succeeded on a listener of the process's own: in an unsealed instance it goes to
 * the supervisor, and `number` (every copy of it in this process, in its epoll sets too) becomes a
 * stand-in: 0. In a sealed one it stays what it is: 0. If the supervisor cannot take it: -1 with
 * errno, and it is closed to clients.
 */
int instance_listening(int number);

/*
 * accept4(2) on a stand-in: blocks or not, restarts, is a cancellation point. False: it is none.
 * True: *result and errno are the answer; a client that has gone is ECONNABORTED where its address
 * was asked for.
 */
bool instance_accept(
    int number, struct sockaddr *address, socklen_t *length, int flags, int *result);

/*
 * getsockname(2), getsockopt(2), setsockopt(2) on a stand-in, or on a socket that was bound to a
 * served address. False: not ours.
 */
bool instance_getsockname(int number, struct sockaddr *address, socklen_t *length, int *result);
bool instance_getsockopt(
    int number, int level, int option, void *value, socklen_t *length, int *result);
bool instance_setsockopt(
    int number, int level, int option, const void *value, socklen_t length, int *result);

/*
 * unlink(2), unlinkat(2), remove(3) of the path of a served listener: another instance's start or
 * end is not the service's. True: it "worked".
 */
bool instance_keeps_path(int directory, const char *path);

/*
 * kill(pid, 0) in an instance that is nobody's yet: is that process another one of this service, so
 * that the question "does it run already?" is to be answered with ESRCH?
 */
bool instance_overlooks(pid_t pid);

/*
 * Ahead of a wait for clients. In an instance: the supervisor is told once that this process
 * waits. With --isolate=auto the first one decides, for good: if the supervisor says so, this
 * process's listeners become stand-ins before it waits. `by_epoll`: in an epoll set.
 */
void instance_before_clients(bool by_epoll);

/*
 * The same ahead of an accept. False: it cannot be said yet, and the answer is EAGAIN, as it is
 * when nobody is there; the next time it can.
 */
bool instance_before_accept(int listener);

/* Descriptors came in a message: stand-ins among them are known again. */
void instance_passed(const struct msghdr *message);
