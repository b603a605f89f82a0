/*
 * list_server.h: who asks the supervisor for its instances is told; the supervisor's end of
 * `wsapeer list --pid`, and what the two say to each other.
 *
 * The supervisor listens on an abstract AF_UNIX SOCK_SEQPACKET socket whose name holds the pid of
 * `wsapeer run`. Who connects says nothing: it gets messages (struct list_message) with entries,
 * then one of kind LIST_END, or a single one of kind LIST_DENIED.
 *
 * Invariant: only root, and the user that the supervisor is, learn anything (SO_PEERCRED, the
 * kernel's word); and nobody makes the supervisor wait: an asker that does not take its answer at
 * once loses it, and sees that by LIST_END missing.
 *
 * Used by the supervisor, single-threaded, and by list_client.c, which must doubt each field: the
 * name is anybody's who binds it first. Both are of one build. Changes errno.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum list_state {
    LIST_STARTING, /* does not listen yet */
    LIST_SPARE,    /* waits for an account */
    LIST_SERVING,  /* is its account's */
    LIST_ENDING,   /* gets no connection any more */
    LIST_MAIN,     /* the first, which listeners came from: no client's */
    LIST_STATES
};

struct list_entry {
    uint32_t state;    /* enum list_state */
    uint32_t number;   /* of the instance, %i */
    uint32_t assigned; /* it has an account: `uid` and `account` mean something */
    uid_t uid;
    pid_t pid; /* of what was executed */
    uint32_t connections;
    uint32_t waiting; /* clients that it has not been given yet */
    uint64_t age_ms;
    uint64_t idle_ms; /* since it last had a connection; 0 while it has one */
    char account[64]; /* its name, NUL-terminated, cut if need be; empty if it has none */
};

enum { LIST_MAGIC = 0x77736c31, LIST_BATCH = 64 };

enum list_message_kind { LIST_ENTRIES = 1, LIST_END, LIST_DENIED };

struct list_message {
    uint32_t magic;
    uint32_t kind;  /* enum list_message_kind */
    uint32_t count; /* of `entries`, only so many are sent */
    struct list_entry entries[LIST_BATCH];
};

/* The name of the supervisor of `run`, the pid of `wsapeer run`; returns the address's length. */
socklen_t list_server_address(pid_t run, struct sockaddr_un *address);

/*
 * Listens. Returns the descriptor, the caller's, non-blocking and close-on-exec, to be watched for
 * reading; or -errno. -EADDRINUSE: somebody has taken the name, perhaps to keep us from it; there
 * is no list then, and no other harm.
 */
int list_server_open(pid_t run);

/*
 * Answers those who wait, a bounded number of them; call it again while `listener` is readable.
 * each() fills *entry, all zeros before, with the instance of that index, from 0; it returns 1, or
 * 0 if there is none of that index, which ends the list.
 */
void list_server_answer(int listener,
    unsigned (*each)(void *context, unsigned index, struct list_entry *entry), void *context);
