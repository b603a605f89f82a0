/*
 * keeper_process.h: private to cli/keeper/: what goes between a supervisor and its keepers, and
 * the keeper's own parts.
 *
 * Both ends are one program, forked: a message has the right size or is a mistake of ours.
 */
#pragma once

#include "keeper.h"

#include <limits.h>
#include <stddef.h>

enum keeper_order_kind { ORDER_GO = 1, ORDER_SIGNAL, ORDER_KILL, ORDER_SEAL };

struct keeper_order {
    uint32_t kind; /* enum keeper_order_kind */
    int32_t signal;
    /* ORDER_SEAL only; the others are sent without */
    struct account account;
    char directory[PATH_MAX]; /* empty for none */
};

enum { KEEPER_SHORT_ORDER = offsetof(struct keeper_order, account) };

/* The keeper's first message. */
struct keeper_hello {
    int32_t error; /* 0 or -errno: why there is no server and the keeper has ended */
    pid_t server;
};

/* The keeper itself, in a fork of the supervisor; `orders` is its end of the pair. */
_Noreturn void keeper_process(const struct keeper_plan *plan, int orders);

/* How many descriptors the plan names. */
size_t keeper_count_inherited(const struct keeper_plan *plan);

/*
 * What becomes the server, in a fork of the keeper: takes everything as planned, `pipes` as 1 and
 * 2, waits for one byte
 * on `control`, and executes. An error is sent over `control`, which is closed by execve(2), as an
 * int (-errno). Ends without a word when the keeper does.
 */
_Noreturn void keeper_become_server(
    const struct keeper_plan *plan, int control, const int pipes[2]);

/* ---- keeper_output.c: what the server writes to stdout and stderr ---- */

struct keeper_output {
    int pipe; /* the keeper's end, not blocking; -1 after its end */
    int log;
    enum { LOG_BY_WRITE, LOG_BY_SEND, LOG_IF_WRITABLE } way;
    size_t length;
    char line[256]; /* the one that is being written */
    char last[256]; /* the last one that was not empty */
};

/* Prepares `output`, whose pipe and log are set, so that no write to the log blocks. */
void keeper_output_begin(struct keeper_output *output);

/* Copies what is there to the log, or drops it, and remembers the last line. Never waits. */
void keeper_output_copy(struct keeper_output *output);

/* The last line that was not empty, whole or not; what controls a terminal is replaced. */
const char *keeper_output_last(const struct keeper_output *output);

/* ---- keeper_below.c: everything below the calling process ---- */

/* Sends `signal` to each child. */
void keeper_signal_children(int signal);

/* One round of SIGSTOP to everything below and then SIGKILL to it; to be repeated until nothing is
 * left, since what is born meanwhile may escape a round. */
void keeper_kill_below(void);

/* Waits until nothing below runs, so that it is sealed where it waits; at most 100 ms. */
void keeper_await_quiet(void);

/* ---- keeper_directory.c ---- */

/*
 * Gives the directory and all in it to the ids: no symbolic link is followed, no other file system
 * or mount entered, and a file that has further names is left alone. The directory itself comes
 * last. 0 or -errno.
 */
int keeper_give_directory(const char *path, uid_t uid, gid_t gid);

/* ---- keeper_files.c ---- */

/* What the server was given by whoever started it, whatever numbers it has for that later. */
struct keeper_given {
    struct {
        dev_t device;
        ino_t inode;
    } files[20];
    size_t count;
};

/* Notes what the plan gives to the server, while it is open here. */
void keeper_note_given(const struct keeper_plan *plan, struct keeper_given *given);

/*
 * Gives files without a name that the server made for itself to the ids. Everything below is to be
 * stopped, so that nothing is opened behind our back. 0; -EPERM if there is a socket that listens
 * or could; -errno; with what is wrong in `text`.
 */
int keeper_look_at_files(
    const struct keeper_given *given, uid_t uid, gid_t gid, char *text, size_t size);

/* ---- keeper_sockets.c ---- */

/*
 * "listening", or "bound" for a stream that could listen next; NULL for what brings nobody. An
 * error that waits on a connection may be taken from it.
 */
const char *keeper_socket_awaits(int socket);

/* ---- keeper_seal.c ---- */

struct keeper_estate {
    const struct keeper_given *given;
    const char *directory; /* the instance's own; empty for none */
    int pipes[2];          /* what the server writes to; -1 for none */
};

/*
 * Makes everything below the calling process the account's (sealing.h), and with it, while all of
 * it is stopped, what is the server's own. 0 or -errno, with what is wrong in `text`; then all
 * below must be killed.
 */
int keeper_seal_below(
    const struct keeper_estate *estate, const struct account *account, char *text, size_t size);

/* ---- keeper_channel.c ---- */

struct keeper_channel {
    int socket; /* our end of the instance's channel; -1: not ours to hear, or its end */
    int relay;  /* to the supervisor */
    int answer; /* what was handed on is answered here; -1: nothing was */
    int reply;  /* and from here to who asked */
};

/* Something came on the channel, and nothing is being answered; an answer came. */
void keeper_channel_hear(struct keeper_channel *channel);
void keeper_channel_answer(struct keeper_channel *channel);
