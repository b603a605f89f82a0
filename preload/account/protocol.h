/*
 * protocol.h: what the library in the server and the resolver outside say to each other.
 *
 * The channel is one SOCK_SEQPACKET socket pair. The server's end is shared by every thread and
 * every forked child, so a request that wants an answer carries its own reply descriptor
 * (SCM_RIGHTS, exactly one) and answers never mix. The resolver learns the sender's pid from
 * SCM_CREDENTIALS, never from the message. Both sides are of one build: a wrong size or magic is
 * thrown away unanswered.
 */
#pragma once

#include "account/account.h"

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
};

enum event_kind {
    EVENT_SERVED = 1,  /* `peer` is served as `account_uid` */
    EVENT_REFUSED,     /* `peer` was refused: `verdict`, `error` */
    EVENT_OBSERVED,    /* `peer` connected; --observe let it pass whatever `verdict` says */
    EVENT_EVENT_LOOP,  /* this process waits for several peers at once and stays at ground */
    EVENT_SERVING,     /* this process serves from now on; `account_uid` is its ground */
    EVENT_SERVER_IDS,  /* the server asked for other ids and was denied; `detail` is the call */
    EVENT_SWITCH_LOST, /* a thread could not come back to ground: the process ends; `error` */
};

struct request {
    uint32_t magic;
    uint32_t kind;  /* enum request_kind */
    uint32_t event; /* enum event_kind */
    uint32_t verdict;
    int32_t error;
    uid_t account_uid;
    struct identity peer;
    char detail[32]; /* NUL-terminated ASCII, written by the library itself */
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

struct settings {
    uint32_t magic;
    uint32_t mode;   /* enum protect_mode */
    uint32_t ground; /* enum ground_choice */
    bool inline_loops;
    bool report_served;   /* somebody reads EVENT_SERVED */
    uint32_t lifetime_ms; /* how long an answer may be remembered */
    uid_t guard_uid;      /* ids that no account has */
    gid_t guard_gid;
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
