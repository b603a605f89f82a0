/* threads.c: new threads, and the waits by which threads hand each other work. */
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

int pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    int result;

    thread_check();
    if (!process.scopes)
        return libc_calls()->pthread_create(thread, attributes, start, argument);
    result = scope_thread_birth(&start, &argument);
    if (result != 0)
        return result;
    result = libc_calls()->pthread_create(thread, attributes, start, argument);
    if (result != 0)
        scope_thread_not_born(argument);
    return result;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    thread_check();
    scope_before_work_wait();
    return libc_calls()->pthread_cond_wait(condition, mutex);
}

int pthread_cond_timedwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    thread_check();
    scope_before_work_wait();
    return libc_calls()->pthread_cond_timedwait(condition, mutex, until);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
    const struct timespec *until)
{
    thread_check();
    scope_before_work_wait();
    return libc_calls()->pthread_cond_clockwait(condition, mutex, clock, until);
}

int sem_wait(sem_t *semaphore)
{
    thread_check();
    scope_before_work_wait();
    return libc_calls()->sem_wait(semaphore);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    thread_check();
    scope_before_work_wait();
    return libc_calls()->sem_timedwait(semaphore, until);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    thread_check();
    scope_before_work_wait();
    return libc_calls()->sem_clockwait(semaphore, clock, until);
}
