/*
 * credentials.h: becoming someone and coming back.
 *
 * The only code that changes user ids, group ids, supplementary groups, capabilities and
 * securebits. It knows nothing of sockets, and nothing of who asks.
 *
 * Invariants
 * - Once the process serves, no id of any thread is 0 (with --ground=base: none while in a scope).
 *   A thread is (outer, X, outer): X is the account in a scope, and the ground otherwise.
 * - The way back is the permitted pair CAP_SETUID, CAP_SETGID, raised for the switch alone with
 *   every signal blocked, and read back afterwards (setresuid(2), capabilities(7)).
 * - A switch that fails half way ends at ground; a way to ground that fails ends the process.
 *
 * All functions act on the calling thread unless they say otherwise, leave errno alone, allocate
 * nothing, and are safe in the child of a fork. They return 0 or -errno.
 */
#pragma once

#include "account/protocol.h"

#include <linux/capability.h>

/* What the base was, and what this process may do: fixed by credentials_prepare(). */
struct credentials_base {
    uid_t uid; /* effective, when the program was executed */
    gid_t gid;
    bool has_key; /* CAP_SETUID and CAP_SETGID are permitted: switching is possible */
};

/*
 * Once, while single-threaded, before the program's main: keeps the key over the server's own
 * setuid (SECBIT_KEEP_CAPS, inherited by every thread and forked child, cleared by exec).
 */
int credentials_prepare(void);
const struct credentials_base *credentials_base(void);

/* Has the server not thrown the key away by itself (a raw capset(2))? If it has, base says so too.
 */
bool credentials_still_have_key(void);

/*
 * Lowers every thread of the process to ground, once, when it begins to serve. A server that gave
 * up root by itself (no id is 0) keeps what it chose, groups included, as its ground. Not to be
 * called in a scope.
 */
int credentials_begin_serving(const struct settings *settings);

/* The ground's user id after credentials_begin_serving(); before it, (uid_t)-1. */
uid_t credentials_ground_uid(void);
gid_t credentials_ground_gid(void);

/* Did the server give up root by itself, so that its ground is what it chose? */
bool credentials_ground_is_chosen(void);

/*
 * The thread becomes (outer, account, outer) with the account's groups, from ground or directly
 * from another account. -EPERM without any call for uid 0, -1 or gid -1. On any error the thread is
 * at ground.
 */
int credentials_enter(const struct account *account);

/*
 * The thread is at ground, whatever it was. Does not return if the kernel refuses: the process
 * ends by exit_group(125) after `last_words` has been called with the error.
 */
void credentials_ground(void);
extern void (*credentials_last_words)(int error);

/*
 * Ends the process at once, with status 125: the one permitted death, for a thread that could be
 * left with rights which are nobody's to use.
 */
_Noreturn void credentials_die(int error);

/*
 * The calling task becomes the account `uid` for good: every id, no capability, no ambient set, a
 * session keyring of its own. The thread must be in that account's scope: its groups are in place.
 * Writes no memory of ours, so a vfork child may call it. Idempotent.
 */
int credentials_seal(uid_t uid);

/*
 * The same for the child of a fork, which may change its root directory once, if that was offered:
 * then CAP_SYS_CHROOT stays permitted, not effective, until the task calls
 * credentials_change_root(), makes a thread or executes a program, and NO_NEW_PRIVS is set for
 * good, so that no program can use a root of the peer's own making to become anybody.
 */
int credentials_seal_child(uid_t uid);

/* --chroot-ok; once, behind credentials_prepare(). Nothing happens if the base may not do it. */
void credentials_offer_root(void);

/* May the calling task, which is sealed, change its root directory (still)? */
bool credentials_may_change_root(void);

/*
 * chroot(2) by such a task; whatever it returns, the task may not do it again. -EPERM if it may
 * not, or -errno. Does not return if the capability cannot be given up.
 */
int credentials_change_root(const char *path);

/* Ahead of a thread that a sealed task makes: nobody changes the root directory any more. */
void credentials_give_up_root(void);

/* The last part of sealing alone: a new session keyring, so that the base's is out of reach. */
int credentials_leave_keyring(void);

/* Whose the files are that this thread makes, and may give away: its setfsuid(2). */
uid_t credentials_file_uid(void);

/* Believed or real? -ESTALE if the kernel's uids are not those that this thread believes in. */
int credentials_verify(void);

/*
 * After a libc call by which the server changed its own ids before it serves: if no id is 0 any
 * more, the permitted set is cut to the pair, unless the server asked to keep its capabilities.
 */
void credentials_after_own_change(void);

/*
 * Has this process no id 0 and no permitted capability? In an instance, whose library keeps the key
 * over whatever the server does to itself, it is then sealed.
 */
bool credentials_is_sealed_from_outside(void);

/* The server's own prctl(2) and capset(2), before it serves, less what would cost us the key. */
int credentials_server_keep_caps(bool keep);
bool credentials_server_keeps_caps(void);
void credentials_add_key(struct __user_cap_data_struct data[2]);
unsigned long credentials_add_key_bits(unsigned long securebits);

/* The server set or cleared its parent death signal: remembered, since each switch clears it. */
void credentials_note_death_signal(int signal);

/*
 * Ground for a moment, and back to the account of before: for calls of libc that make helper
 * threads with the credentials of their caller. credentials_suspend() fills *before, and returns
 * -errno without any change if that cannot be read; credentials_resume() returns -errno if the
 * kernel refused: the thread is at ground then.
 */
int credentials_suspend(struct account *before);
int credentials_resume(const struct account *before);
