/*
 * ids.h: what the server asks to be by itself: setuid(2) and its kin, capset(2), prctl(2).
 *
 * Before the process serves these are the server's own affair; all we care for is that the key
 * survives. Once it serves, its ids are not its own: naming what it believes to be, the ground or
 * the peer changes nothing and "worked"; anything else is EPERM.
 *
 * An instance is sealed from outside, and nothing in its memory tells. Until then its ids are its
 * own affair, and the key survives. Sealed, it is the peer, whatever it asks to be: a worker that
 * is started again and drops to its service account goes on. Every call "worked" and changes
 * nothing, but for one: a process that believes to have given up root and asks for id 0 is told
 * EPERM, which is what it wanted to know.
 */
#pragma once

#include <grp.h>
#include <stdbool.h>
#include <sys/types.h>

#include <linux/capability.h>

enum ids_answer {
    IDS_REAL,    /* make the real call, then call ids_changed() */
    IDS_PRETEND, /* return success, do nothing */
    IDS_DENY,    /* return -1 with errno EPERM; it has been reported */
};

/* Once, at the start of a process that may be sealed from outside: what its children tell it. */
void ids_prepare_instance(void);

/* Is the calling thread somebody, whatever it asks to be? In a scope, or sealed. errno is kept. */
bool ids_are_pretended(void);

/*
 * Does the server believe to have this id, or to have a child that gave up root for it? For
 * owners.h: who believes to be root makes its workers' files theirs.
 */
bool ids_has_user(uid_t uid);
bool ids_has_group(gid_t gid);

/* `call` is the function's name for the log; `count` ids, (id_t)-1 meaning "leave it". */
enum ids_answer ids_may_set_users(const char *call, unsigned count, const uid_t ids[]);
enum ids_answer ids_may_set_groups(const char *call, unsigned count, const gid_t ids[]);
enum ids_answer ids_may_set_list(void);
void ids_changed(void);

/* capset(2): the data is changed so that the key survives (IDS_REAL). */
enum ids_answer ids_may_set_capabilities(struct __user_cap_data_struct data[2]);

/* prctl(2), the options that concern us. True: `*result` is the answer, no real call. */
bool ids_control(int option, unsigned long *argument, int *result);
