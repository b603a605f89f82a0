/*
 * scope.h: the rules of when a thread acts for whom, as the hooks call them.
 *
 * What must always hold: between the moment a peer's bytes (or its bare connection) reach the
 * server's code and the moment the server turns to something else, the thread has that peer's
 * credentials, or ground's, never those of another peer, and never base's. What cannot be
 * attributed runs at ground. What passes untouched (--only) is nobody's: it never begins a scope,
 * and never goes on in one.
 *
 * Called by hooks/, and by the files of scope/ among themselves. The scope_before_* functions run
 * ahead of the real call, scope_after_* and scope_received behind it. The real call itself is made
 * by the hook, but for scope_accept, scope_close_range and scope_dup3; it stays a cancellation
 * point and restarts after signals as before. All keep errno unless they say that they
 * fail; none allocates but where it says so.
 */
#pragma once

#include "account/account.h"
#include "scope/thread.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/select.h>
#include <sys/socket.h>

/*
 * accept4(2) with the question who it is in between: the thread's scope ends, refused peers are
 * reset and never seen, and on success the peer's scope has begun. In an event loop, and while
 * another connection that the thread accepted is open and unread, it is only recorded.
 * Returns the connection or -1 with errno, ECONNABORTED after a wait whose peer was refused.
 */
int scope_accept(int listener, struct sockaddr *address, socklen_t *length, int flags);

/*
 * Is `number` a listener, or a bound datagram socket, whose clients pass untouched (--only)? Proved
 * by its cookie; what is not known yet is looked at. False at once where there is no --only.
 */
bool scope_passes(int number);

/* `number` is found to be a listener. */
void scope_listening(int number);

/*
 * listen(2) has succeeded. In a scope a new listener is that peer's account's alone: it is for what
 * the peer asked for (data, as FTP has it), and what the thread then has at hand is that peer's.
 * One that was known already stays whose it was.
 */
void scope_listened(int number);

/*
 * bind(2) has succeeded, or it was bound when it came: a datagram socket is served from now on. 0,
 * or -errno if it cannot be written down: then it would be read with the server's own rights, and
 * the hook fails.
 */
int scope_bound(int number);

/*
 * Ahead of connect(2), and of sending to an address; behind getsockname(2). A datagram socket that
 * was not bound is served from then on where a client's datagrams are to come by it (datagrams.c).
 * 0 or -errno, as scope_bound().
 */
int scope_sends_to(int number, const void *address, socklen_t length);
int scope_told_name(int number, const struct sockaddr *name, socklen_t length);

/*
 * Around connect(2). A handler of one datagram may not: its socket is the accepting process's, too,
 * which would hear nobody else. One that the server connects outside of any scope, before it has
 * received anything by it, is its own client for as long as it is connected.
 */
bool scope_may_connect(int number);
void scope_connected(int number);

/* What a number was when a read of it began: it may be another connection when the read returns. */
struct reading {
    int number;
    unsigned char kind; /* enum descriptor_kind */
    unsigned long cookie;
};

/*
 * Ahead of a read. From its first receive on a served datagram socket a process serves. False, with
 * errno: see scope_may_use().
 */
bool scope_before_receive(int number, struct reading *reading);

/*
 * That read, of `wanted` bytes, returned `result`. If that is an accepted connection's
 * data or end of file, the thread acts for its peer from now on. Returns `result`, or -1 with errno
 * EACCES if it must not be handled (the connection is shut down then). What a pipe older than
 * the scope brings is work for anybody: as after a wait for work.
 */
ssize_t scope_received(const struct reading *reading, size_t wanted, ssize_t result);

/*
 * Instead of any read from a served datagram socket (`reading->kind` is DESCRIPTOR_DATAGRAMS):
 * recvmsg(2) of one datagram, with the question who sent it in between. The thread acts for the
 * sender from then on; those who are refused are dropped and never seen. Returns as recvmsg(2);
 * -1 with EAGAIN where only refused ones were there and the call may not wait.
 */
ssize_t scope_receive_datagram(int number, struct msghdr *message, int flags);

/*
 * Is that a served datagram socket, and `call` one that nothing can be put around (stdio(3) reads
 * past every hook)? Then the log says that it was denied, and the hook fails.
 */
bool scope_denies_datagrams(int number, const char *call);

/* The same for a FILE to be read, which it is too early to make of one that is not bound yet. */
bool scope_denies_stdio(int number);

/*
 * setsockopt(2) and getsockopt(2) of what we have set ourselves on a served datagram socket. True
 * if that was all there was to do: the call has succeeded.
 */
bool scope_set_option(int number, int level, int option, const void *value, socklen_t length);
bool scope_get_option(int number, int level, int option, void *value, socklen_t *length);

/* A message was received; descriptors that came with it may be clients' connections. */
void scope_passed(const struct msghdr *message);

/* pidfd_getfd(2) has fetched this one (negative: it failed); it may be a client's connection. */
void scope_fetched(int number);

/* It was received, but will not be handed on: what came with it is closed. */
void scope_discard(const struct msghdr *message);

/*
 * Calls `visit` for each descriptor that comes or goes with a message, until it returns false:
 * false then, else true.
 */
bool scope_visit_passed(const struct msghdr *message, bool (*visit)(int number));

/*
 * Ahead of a write. A worker that answers a connection which others wait for, too, has done with
 * what it read, and may turn to another; one that wakes the loop after that is at the end of its
 * turn.
 */
void scope_answering(int number);

/* A set of descriptors about to be waited for, filled by scope_wait_add(). */
struct wait_set {
    bool listener;  /* holds a listener */
    bool foreign;   /* holds another peer's connection than the scope's */
    bool older;     /* holds a pipe older than the scope */
    bool several;   /* two peers could wake this wait: an event loop */
    bool any;       /* holds a connection */
    bool untouched; /* holds what brings clients that pass untouched */
    bool limited;   /* it ends by itself, after some time or at once */
    uid_t first;    /* whose the first connection in it is */
    int epoll;      /* the epoll set that is waited for, 0 for none */
    unsigned count; /* how many descriptors were added */
};

void scope_wait_add(struct wait_set *set, int number);
void scope_wait_add_poll(struct wait_set *set, const struct pollfd *array, nfds_t count);
void scope_wait_add_select(
    struct wait_set *set, int count, const fd_set *read, const fd_set *write, const fd_set *except);

/* Ahead of the wait: may begin to serve, may end the scope. Behind it: `result` is the wait's. */
void scope_before_wait(const struct wait_set *set);
void scope_after_wait(const struct wait_set *set, int result);

/*
 * A wait failed with EINTR. True if that was only libc's signal, by which another thread lowered
 * this one when the process began to serve: the wait is to be made again.
 */
bool scope_wait_again(int result);

/*
 * epoll_ctl(2) has added `number` to `epoll`, or changed or taken away what was there: a worker
 * that does so with its connection hands it back.
 */
void scope_epoll_added(int epoll, int number);
void scope_epoll_changed(int epoll, int number);

/* Ahead of scope_wait_add() for an epoll set: who joins it from now on is waited for. */
void scope_epoll_waits(void);

/*
 * `number` was added to an epoll set: is it a listener, and does some thread wait already, for
 * which no new wait need begin before it gets a client?
 */
bool scope_is_waited_for(int number);

/*
 * Around a wait for work: a condition variable or a semaphore. Behind it the rule is asked again:
 * while the thread waited, another may have closed the scope's connection or waited for it.
 */
void scope_before_work_wait(void);
void scope_after_work_wait(void);

/*
 * Ahead of taking a mutex: a worker of a loop that has answered may find its next job behind it.
 */
void scope_before_lock(void);

/* A new epoll set, pipe, eventfd or socketpair has these numbers (-1: none). */
void scope_made_epoll(int number);
void scope_made_pipe(int one, int other);

/*
 * What is made in a scope is that peer's. scope_made_file() and scope_made_socket() stand behind
 * the call that made `number` (negative: it failed). scope_may_use() stands ahead of every use:
 * false, with errno EACCES or EPIPE, in the scope of another peer, who may not open that file
 * itself or has no part in that socket: caches of open files and of connections then open anew.
 */
void scope_made_file(int number);
void scope_made_socket(int number);
bool scope_may_use(int number);

/* Ahead of sendmsg(2): the same for every descriptor that goes with the message. */
bool scope_may_send(const struct msghdr *message);

/* Copies by dup(2) and its kin, behind the call; closing, around it. */
void scope_copied(int number, int copy);
bool scope_before_close(int number); /* true: this was the scope's last descriptor */
void scope_after_close(bool was_last);

/* close_range(2) and dup2(2) (flags -1) or dup3(2), whole: around our own descriptors. */
int scope_close_range(unsigned first, unsigned last, int flags);
int scope_dup3(int number, int copy, int flags);

/* Is this one of wsapeer's own descriptors? */
bool scope_owns(int number);

/*
 * The socket `number` is wsapeer's own until descriptor_forget(). It gets another number when the
 * server wants this one: the table's DESCRIPTOR_OWN with its cookie tells which. 0 or -errno.
 */
int scope_add_own(int number);

/*
 * A new thread, pthread_create(3) or thrd_create(3): scope_thread_birth() says, in the thread that
 * makes it, what it will be born as (allocated, the caller's to free; NULL: no memory).
 * scope_thread_begins() is its first step, before the server's function runs in it.
 */
struct birth {
    struct thread state;
    void *(*start)(void *); /* for the hook's own use */
    int (*start_c11)(void *);
    void *argument;
};
struct birth *scope_thread_birth(void);
void scope_thread_begins(const struct birth *birth);

/* Around a libc call that makes a helper thread of its own: it is made at ground. */
struct suspended {
    bool was_suspended;
    struct account account;
}; /* 4 KiB */
void scope_suspend(struct suspended *suspended);
void scope_resume(const struct suspended *suspended);
