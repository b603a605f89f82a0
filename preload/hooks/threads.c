/* threads.c: new threads, and the waits by which threads hand each other work. */
#include "libc.h"
#include "scope/root.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>
#include <stdarg.h>

/* The new thread's first steps; what it is to be was allocated by its maker. */
static void *begin(void *pointer)
{
    struct birth birth = *(struct birth *)pointer;

    free(pointer);
    scope_thread_begins(&birth);
    return birth.start(birth.argument);
}

static int begin_c11(void *pointer)
{
    struct birth birth = *(struct birth *)pointer;

    free(pointer);
    scope_thread_begins(&birth);
    return birth.start_c11(birth.argument);
}

int pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    struct birth *birth;
    int result;

    thread_check();
    root_stays();
    if (!process.scopes)
        return libc_calls()->pthread_create(thread, attributes, start, argument);
    birth = scope_thread_birth();
    if (!birth)
        return EAGAIN; /* as pthread_create(3) says of a lack of resources */
    birth->start = start;
    birth->argument = argument;
    result = libc_calls()->pthread_create(thread, attributes, begin, birth);
    if (result != 0)
        free(birth);
    return result;
}

int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
    struct birth *birth;
    int result;

    thread_check();
    root_stays();
    if (!process.scopes)
        return libc_calls()->thrd_create(thread, start, argument);
    birth = scope_thread_birth();
    if (!birth)
        return thrd_nomem;
    birth->start_c11 = start;
    birth->argument = argument;
    result = libc_calls()->thrd_create(thread, begin_c11, birth);
    if (result != thrd_success)
        free(birth);
    return result;
}

/* A thread made so has no state of its own that we could give it: it is made at ground. */
int clone(int (*start)(void *), void *stack, int flags, void *argument, ...)
{
    struct suspended suspended;
    void *rest[3];
    va_list list;
    int result;

    va_start(list, argument);
    for (int i = 0; i < 3; i++)
        rest[i] = va_arg(list, void *);
    va_end(list);
    thread_check();
    if (flags & CLONE_THREAD)
        root_stays();
    if (!(flags & CLONE_THREAD))
        return libc_calls()->clone(start, stack, flags, argument, rest[0], rest[1], rest[2]);
    scope_suspend(&suspended);
    result = libc_calls()->clone(start, stack, flags, argument, rest[0], rest[1], rest[2]);
    scope_resume(&suspended);
    return result;
}

static void before(void)
{
    thread_check();
    scope_before_work_wait();
}

static int after(int result)
{
    scope_after_work_wait();
    return result;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    before();
    return after(libc_calls()->pthread_cond_wait(condition, mutex));
}

int pthread_cond_timedwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    before();
    return after(libc_calls()->pthread_cond_timedwait(condition, mutex, until));
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
    const struct timespec *until)
{
    before();
    return after(libc_calls()->pthread_cond_clockwait(condition, mutex, clock, until));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    before();
    return after(libc_calls()->cnd_wait(condition, mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    before();
    return after(libc_calls()->cnd_timedwait(condition, mutex, until));
}

int sem_wait(sem_t *semaphore)
{
    before();
    return after(libc_calls()->sem_wait(semaphore));
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    before();
    return after(libc_calls()->sem_timedwait(semaphore, until));
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    before();
    return after(libc_calls()->sem_clockwait(semaphore, clock, until));
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    scope_before_lock();
    return libc_calls()->pthread_mutex_lock(mutex);
}

int mtx_lock(mtx_t *mutex)
{
    scope_before_lock();
    return libc_calls()->mtx_lock(mutex);
}
