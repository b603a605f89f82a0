/*
 * fork.c: children and threads.
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

#include <errno.h>
#include <stdlib.h>

static void seal_child(void)
{
    int result = credentials_seal(thread_state.account);

    if (result < 0)
        credentials_die(-result);
    process.sealed = true;
    process.sealed_as = thread_state.account;
    process.scopes = process.admits = false;
    channel_close();
    program_clean_own_environment();
}

void scope_fork_child(void)
{
    if (!process.wrapped)
        return;
    thread_state.tid = kernel_gettid();
    identity_after_fork();
    account_after_fork();
    if (process.sealed)
        return;
    if (process.serving == SERVING_LOWERING) /* by a thread of the parent, which is not here */
        process.serving = SERVING_NOT_YET;
    if (thread_state.acting == ACTING_PEER)
        seal_child();
    else if (process.serving == SERVING && thread_state.acting == ACTING_BASE)
        thread_state.epoch = 0; /* caught between: its next call looks again */
}

struct birth {
    void *(*start)(void *);
    void *argument;
    struct thread state;
};

/* The new thread's first steps; the kernel gave it the credentials of its maker. */
static void *begin_life(void *pointer)
{
    struct birth birth = *(struct birth *)pointer;

    free(pointer);
    thread_state = birth.state;
    thread_state.tid = kernel_gettid();
    if (thread_state.acting == ACTING_GROUND)
        credentials_ground();
    return birth.start(birth.argument);
}

int scope_thread_birth(void *(**start)(void *), void **argument)
{
    struct birth *birth = malloc(sizeof *birth);

    if (!birth)
        return EAGAIN; /* as pthread_create(3) says of a lack of resources */
    *birth = (struct birth){.start = *start, .argument = *argument, .state = thread_state};
    birth->state.is_loop = false;
    birth->state.was_woken = false;
    if (thread_state.acting == ACTING_PEER &&
        (!thread_state.began_by_accept || thread_state.has_read))
        birth->state.acting = ACTING_GROUND;
    *start = begin_life;
    *argument = birth;
    return 0;
}

void scope_thread_not_born(void *argument)
{
    free(argument);
}

void scope_suspend(struct suspended *suspended)
{
    suspended->was_suspended = thread_in_scope() && thread_is_own();
    if (suspended->was_suspended)
        credentials_suspend(&suspended->moment);
}

void scope_resume(const struct suspended *suspended)
{
    if (suspended->was_suspended && credentials_resume(&suspended->moment) < 0)
        thread_state.acting = ACTING_GROUND;
}
