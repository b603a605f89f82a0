/*
 * protocol.h: what the library in the server and the resolver outside say to each other.
 *
 * The channel is one SOCK_SEQPACKET socket pair. The server's end is shared by every thread and
 * every forked child, so a request that wants an answer carries its own reply descriptor
 * (SCM_RIGHTS; the reply descriptor first, and with REQUEST_OFFER the listener second) and answers
 * never mix. The resolver learns the sender's pid from SCM_CREDENTIALS, never from the message.
 * Both sides are of one build: a wrong size or magic is thrown away unanswered.
 *
 * Where the server has an instance for each account, the supervisor is the resolver, and each
 * instance has a channel of its own. It owns the listeners; what stands in for a listener in an
 * instance is a SOCK_SEQPACKET socket on which each message is one connection (struct delivery,
 * with the connection as SCM_RIGHTS).
 */
#pragma once

#include "account/account.h"

#include <sys/socket.h>

/* The environment variable that gives the library its end of the channel: a decimal number. */
#define PROTOCOL_CHANNEL_VARIABLE "WSAPEER_CHANNEL"
#define PROTOCOL_CHANNEL_FORMAT "%07d" /* of one width, so that it can be changed in place */

enum { PROTOCOL_MAGIC = 0x77736131 };

/* How long the library waits for an answer before it refuses the peer. */
enum { PROTOCOL_TIMEOUT_MS = 5000 };

enum request_kind {
    REQUEST_GREETING = 1, /* the library is loaded; answered by struct settings */
    REQUEST_RESOLVE,      /* who is `peer` to be served as? answered by struct answer */
    REQUEST_EVENT,        /* for the log: `event`; not answered, dropped when the channel is full */

    /* Between an instance and its supervisor; `socket` says which listener. */
    REQUEST_SERVES, /* --isolate=auto: this process is about to wait for clients for the first time,
                       `by_epoll` or not; answered by struct decision */
    REQUEST_BIND,   /* is somebody's listener bound as `socket` says? answered by struct stand_in,
                       without a descriptor: if it is served, bind nothing, and listen by its number
                     */
    REQUEST_LISTEN, /* `socket.listener`, from REQUEST_BIND, listens; answered by struct stand_in
                       with the stand-in as SCM_RIGHTS */
    REQUEST_OFFER,  /* a listener of this process, as second descriptor: answered as REQUEST_LISTEN;
                       result -EPERM: it stays the process's own (a sealed one's; the first's
                       that passes untouched) */
    REQUEST_WHICH,  /* a descriptor came by exec or in a message: is the socket with cookie
                       `socket.cookie` a stand-in of this instance, or was it the subject of a
                       REQUEST_BIND? as REQUEST_LISTEN, without a descriptor */
    REQUEST_OPTION, /* setsockopt(2) on a stand-in: `option` is for the listener; not answered */
    REQUEST_OTHERS, /* is `pid` another process of this service, the first's or an instance's?
                       answered by struct stand_in, result 0 or -ENOENT */
    REQUEST_WAITS,  /* this process waits for clients on a stand-in; not answered */
};

/* Which listener: what the server gave to socket(2) and bind(2). */
struct request_socket {
    uint32_t listener; /* the supervisor's number for it, 0 for none */
    uint64_t cookie;   /* REQUEST_BIND, REQUEST_WHICH: the socket's */
    int32_t family, type, protocol;
    bool only_v6;   /* IPV6_V6ONLY, when it was bound */
    bool shared;    /* SO_REUSEPORT */
    bool by_epoll;  /* REQUEST_SERVES */
    bool untouched; /* REQUEST_OFFER: --only does not name it */
    uint32_t address_length;
    struct sockaddr_storage address; /* as asked for: with port 0 where the server said 0 */
};

/* setsockopt(2) with a value of at most this size; larger ones stay without effect on it. */
struct request_option {
    int32_t level, name;
    uint32_t size;
    unsigned char value[32];
};

enum event_kind {
    EVENT_SERVED = 1,  /* `peer` is served as `account_uid` */
    EVENT_REFUSED,     /* `peer` was refused: `verdict`, `error` */
    EVENT_OBSERVED,    /* `peer` connected; --observe let it pass whatever `verdict` says */
    EVENT_EVENT_LOOP,  /* this process waits for several peers at once and stays at ground */
    EVENT_SERVING,     /* this process serves from now on; `account_uid` is its ground */
    EVENT_SERVER_IDS,  /* the server asked for other ids and was denied; `detail` is the call */
    EVENT_CALL_DENIED, /* `detail` is a call that no scope can be put around */
    EVENT_ALL_BUSY,    /* --max-processes handlers live: who comes now waits */
    EVENT_SWITCH_LOST, /* a thread could not come back to ground: the process ends; `error` */
    EVENT_UNTOUCHED,   /* no --only names the socket `detail`: its clients pass untouched */
    EVENT_NO_ROOT,     /* chroot(2) was denied to who acts for a peer; `detail`: what would help */
    EVENT_NAMED,       /* a socket is what settings.only[`error`] names: not for the log */
};

struct request {
    uint32_t magic;
    uint32_t kind;  /* enum request_kind */
    uint32_t event; /* enum event_kind */
    uint32_t verdict;
    int32_t error;
    uid_t account_uid;
    struct identity peer;
    char detail[128]; /* NUL-terminated, written by the library itself */
    struct request_socket socket;
    struct request_option option;
    pid_t pid; /* REQUEST_OTHERS */
};

/* Who keeps the peers apart? */
enum isolation {
    ISOLATION_SCOPES,    /* the library, within each process of the server */
    ISOLATION_UNDECIDED, /* --isolate=auto, before the first wait for clients: REQUEST_SERVES asks
                          */
    ISOLATION_INSTANCES, /* the supervisor: this process is (part of) one account's instance */
};

struct decision {
    uint32_t magic;
    uint32_t isolation; /* ISOLATION_SCOPES or ISOLATION_INSTANCES */
};

struct stand_in {
    uint32_t magic;
    int32_t result;    /* 0: served; -ENOENT: not; or why not */
    uint32_t listener; /* its number */
    bool listens;      /* REQUEST_WHICH: a stand-in; false: bound there, and not listening yet */
    int32_t family, type, protocol;
    uint32_t address_length;
    struct sockaddr_storage address; /* as getsockname(2) on the real one says */
};

struct delivery {
    uint32_t magic;
};

enum protect_mode {
    PROTECT_SCOPES,  /* serve each peer with its own credentials */
    PROTECT_GATE,    /* only admit or refuse */
    PROTECT_OBSERVE, /* refuse nobody */
};

enum ground_choice {
    GROUND_NONE,    /* the guard's ids */
    GROUND_BASE,    /* what the server was started with */
    GROUND_ACCOUNT, /* settings.ground */
};

/* --only: a socket that clients come by. Another passes untouched; see scope/only.h. */
struct only_name {
    struct identity_endpoint end; /* AF_UNSPEC: every IP address; AF_UNIX: `path` */
    uint8_t path_length;          /* as in sun_path: an abstract name begins with a NUL */
    char path[108];
};
enum { ONLY_MOST = 16 };

struct settings {
    uint32_t magic;
    uint32_t mode;      /* enum protect_mode */
    uint32_t ground;    /* enum ground_choice */
    uint32_t isolation; /* enum isolation */
    bool inline_loops;
    bool chroot_ok;         /* ISOLATION_SCOPES: who is sealed by a fork may chroot(2) once */
    bool by_connection;     /* ISOLATION_SCOPES: each begins in a process of its own */
    uint32_t max_processes; /* by_connection: so many at once */
    bool report_served;     /* somebody reads EVENT_SERVED */
    uint32_t lifetime_ms;   /* how long an answer may be remembered */
    uid_t guard_uid;        /* ids that no account has */
    gid_t guard_gid;
    uint64_t stamped_netns; /* SO_NETNS_COOKIE of where datagrams are stamped, 0: nowhere */
    uint32_t only_count;    /* 0: every socket is served */
    struct only_name only[ONLY_MOST];
    struct account ground_account; /* GROUND_ACCOUNT only */
};

struct answer {
    uint32_t magic;
    uint32_t verdict; /* enum account_verdict */
    /*
     * The peer is served as itself, not mapped: where the kernel attested its groups (peercred) the
     * library takes those instead of account.gid and account.groups.
     */
    bool as_itself;
    struct account account; /* only the first group_count groups are sent */
};
