/*
 * fork.c: children, threads, and moments at ground for libc's own helpers.
 *
 * A child forked in a scope is that peer's for good, before the server's code runs in it. A thread
 * born in a scope that began at accept and has not read yet (a thread a connection) is born in it;
 * any other is born at ground.
 */
#include "scope/fork.h"

#include "account/ask.h"
#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "scope/program.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <stdlib.h>

void scope_seal_process(void)
{
    int result = credentials_seal_child(thread_state.account);

    if (result < 0)
        credentials_die(-result);
    process.sealed = true;
    process.sealed_as = thread_state.account;
    process.sealed_for = thread_state.sender;
    process.scopes = process.admits = false;
    channel_close();
    program_clean_own_environment();
}

void scope_fork_child(void)
{
    if (!process.wrapped)
        return;
    thread_state.tid = kernel_gettid();
    process.pid = kernel_getpid();
    credentials_note_death_signal(0);
    thread_state.is_loop = false; /* its parent's habits */
    process.epoll_waits = 0;
    thread_state.last_cookie = thread_state.pending_cookie = 0;
    identity_after_fork();
    account_after_fork();
    if (process.sealed)
        return;
    if (process.serving == SERVING_LOWERING) /* by a thread of the parent, which is not here */
        process.serving = SERVING_NOT_YET;
    if (process.deciding == DECIDING) {
        process.deciding = DECIDING_NOT_YET;
        process.settings.isolation = ISOLATION_UNDECIDED;
    }
    if (thread_state.acting == ACTING_PEER)
        scope_seal_process();
    else if (process.serving == SERVING && thread_state.acting == ACTING_BASE)
        thread_state.epoch = 0; /* caught between: its next call looks again */
}

struct birth *scope_thread_birth(void)
{
    struct birth *birth = malloc(sizeof *birth);

    if (!birth)
        return NULL;
    thread_state.pending_cookie = 0; /* the new thread may have it now */
    birth->state = thread_state;
    birth->state.is_loop = false;
    birth->state.was_woken = false;
    birth->state.last_cookie = birth->state.pending_cookie = 0;
    if (thread_state.acting == ACTING_PEER &&
        (!thread_state.began_by_accept || thread_state.has_read))
        birth->state.acting = ACTING_GROUND;
    return birth;
}

/* The kernel gave the new thread the credentials of its maker. */
void scope_thread_begins(const struct birth *birth)
{
    thread_state = birth->state;
    thread_state.tid = kernel_gettid();
    if (thread_state.acting == ACTING_GROUND)
        credentials_ground();
}

void scope_suspend(struct suspended *suspended)
{
    suspended->was_suspended = thread_in_scope() && thread_is_own();
    if (!suspended->was_suspended || credentials_suspend(&suspended->account) == 0)
        return;
    thread_end_scope();
    suspended->was_suspended = false;
}

void scope_resume(const struct suspended *suspended)
{
    if (suspended->was_suspended && credentials_resume(&suspended->account) < 0)
        thread_state.acting = ACTING_GROUND;
}
