/*
 * thread.h: for whom each thread acts; private to scope/, but for thread_check(),
 * thread_in_scope() and the facts in `process`, which the hooks read.
 *
 * Invariants
 * - The state of a thread is its own: it carries the thread's id, and a task that shares the memory
 *   without being that thread (a vfork child, a raw clone) is a stranger who changes nothing.
 * - A thread acts for a peer only between thread_begin_scope() and thread_end_scope(); the kernel's
 *   credentials and this state change together, there and nowhere else.
 * - Once the process serves, a thread that we meet for the first time is put at ground before its
 *   call goes on.
 */
#pragma once

#include "account/protocol.h"
#include "scope/descriptors.h"

enum acting {
    ACTING_BASE,   /* the process does not serve yet */
    ACTING_GROUND, /* for nobody */
    ACTING_PEER,   /* in a scope */
};

/* Who sent a datagram: a user, or with uid -1 a host; without an address nobody. */
struct sender {
    uid_t uid;
    struct in6_addr address;
    socklen_t from_length; /* 0: no datagram, or one without an address to answer to */
    struct sockaddr_storage from;
};

struct thread {
    pid_t tid;      /* 0: a thread that no hook has met */
    uint32_t epoch; /* process.epoch when it last looked */
    enum acting acting;
    uid_t account;   /* the scope's account */
    uint64_t cookie; /* the scope's connection */
    int number;      /* a descriptor of it, when the scope began */
    uint32_t serial; /* the scope's number, never 0; of the last one if there is none now */
    bool began_by_accept;
    bool has_read; /* this thread has itself read from the scope's connection */

    bool has_answered;   /* a connection that others wait for, too: a worker's turn may be over */
    bool is_loop;        /* it waits for several peers at once */
    bool was_woken;      /* its last wait was for a listener among others, and returned something */
    bool woken_for_more; /* that wait was for other descriptors, too */
    bool owes_wait;      /* accept has told it EINTR for that reason, and it has not waited since */
    int pending_number;  /* a connection that it accepted, has not read, and gave to no thread */
    uint64_t pending_cookie; /* 0: none */
    int last_number;         /* the connection last read from since a wait for work */
    uid_t last_account;
    uint64_t last_cookie; /* 0: none */
    struct sender sender; /* whose the scope is: for datagrams in a process sealed for it */
};

enum serving { SERVING_NOT_YET, SERVING_LOWERING, SERVING };
enum deciding { DECIDING_NOT_YET, DECIDING, DECIDED };

struct process {
    bool wrapped;    /* inside `wsapeer run`: settings are there */
    bool scopes;     /* wrapped, switches credentials, and is not sealed */
    bool admits;     /* wrapped, may refuse peers (scopes or gate), and is not sealed */
    bool instance;   /* started as one of one account: no scopes, and nobody is admitted here */
    pid_t pid;       /* whose memory this is: in a vfork child, another's */
    bool sealed;     /* a forked child that is one account's for good */
    bool is_handler; /* sealed, forked for one connection: it ends when it turns to the next */
    uid_t sealed_as;
    struct sender sealed_for; /* whose datagrams it may go on to receive */
    bool reported_loop;
    uint32_t serving;  /* enum serving */
    uint32_t deciding; /* enum deciding: --isolate=auto, by instance/ */
    uint32_t epoch;    /* counts what every thread has to notice at its next call */
    uint32_t last_serial;
    uint32_t epoll_waits; /* threads that wait for an epoll set now */
    uid_t own_uid;        /* what the server believes to be: base, or what it lowered itself to */
    gid_t own_gid;
    struct settings settings;
};

extern struct process process;
extern __thread struct thread thread_state;

/*
 * At the head of every hook: notices what changed since the thread's last call. errno is kept.
 */
void thread_catch_up(void);

/* Debug builds: in one call of sixteen, compares the kernel's ids with the believed ones. */
void thread_compare_ids(void);

static inline void thread_check(void)
{
#ifdef WSAPEER_DEBUG_IDS
    thread_compare_ids();
#endif
    if (__builtin_expect(
            (process.scopes || process.instance) && thread_state.epoch != process.epoch, false))
        thread_catch_up();
}

/* Must this process know which of its descriptors, and which epoll sets, bring clients? */
static inline bool process_follows(void)
{
    return process.admits || process.instance || process.is_handler;
}

/* How many threads the process has; 0 without /proc. */
unsigned process_count_threads(void);

/* Is the calling task the thread whose state this is? One system call. */
bool thread_is_own(void);

static inline bool thread_in_scope(void)
{
    return process.scopes && thread_state.acting == ACTING_PEER;
}

/*
 * The calling thread acts for the account, on the connection with that cookie, whose descriptor is
 * `number`. -errno if the kernel refused: the thread is at ground then.
 */
int thread_begin_scope(int number, uint64_t cookie, const struct account *account, bool by_accept);

/* Is `number`, or another descriptor, still open on the connection with that cookie? */
bool connection_is_open(int number, uint64_t cookie);

/* The thread is at ground; nothing happens if it acts for nobody. */
void thread_end_scope(void);

/*
 * Has this thread read from another peer, whose connection is still open, without a wait for work
 * since? A thread that then turns to this connection is an event loop, however it waits: nobody can
 * tell whose request it carries out next.
 */
bool thread_owes_another(uint64_t cookie, uid_t account);

/* The process serves from now on (once; other threads wait until it is done). */
void process_begin_serving(void);

/* The thread waits for several peers: it stays at ground from now on, or as --inline says. */
void thread_is_event_loop(void);

/* An event loop has read from a peer and stays at ground: the log says so once a process. */
void process_report_loop(void);
