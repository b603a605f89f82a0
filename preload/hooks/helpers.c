/*
 * helpers.c: calls for which libc makes threads of its own, with the credentials of whoever calls
 * first. They are made at ground, so that no helper is one peer's while it works for another.
 */
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>

int timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
{
    struct suspended suspended;
    int result;

    thread_check();
    scope_suspend(&suspended);
    result = libc_calls()->timer_create(clock, event, timer);
    scope_resume(&suspended);
    return result;
}

int mq_notify(mqd_t queue, const struct sigevent *event)
{
    struct suspended suspended;
    int result;

    thread_check();
    scope_suspend(&suspended);
    result = libc_calls()->mq_notify(queue, event);
    scope_resume(&suspended);
    return result;
}

int getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
    struct suspended suspended;
    int result;

    thread_check();
    scope_suspend(&suspended);
    result = libc_calls()->getaddrinfo_a(mode, list, count, event);
    scope_resume(&suspended);
    return result;
}

static int transfer(int (*call)(struct aiocb *block), struct aiocb *block)
{
    struct suspended suspended;
    int result;

    thread_check();
    if (!scope_may_use(block->aio_fildes))
        return -1;
    scope_suspend(&suspended);
    result = call(block);
    scope_resume(&suspended);
    return result;
}

/* Its thread reads past every hook. */
static bool denies(const struct aiocb *block)
{
    if (!scope_denies_datagrams(block->aio_fildes, "aio_read(3)"))
        return false;
    errno = EINVAL;
    return true;
}

int aio_read(struct aiocb *block)
{
    if (denies(block))
        return -1;
    return transfer(libc_calls()->aio_read, block);
}

int aio_write(struct aiocb *block)
{
    return transfer(libc_calls()->aio_write, block);
}

int aio_fsync(int operation, struct aiocb *block)
{
    struct suspended suspended;
    int result;

    thread_check();
    scope_suspend(&suspended);
    result = libc_calls()->aio_fsync(operation, block);
    scope_resume(&suspended);
    return result;
}

int lio_listio(int mode, struct aiocb *const list[], int count, struct sigevent *event)
{
    struct suspended suspended;
    int result;

    thread_check();
    for (int i = 0; i < count; i++)
        if (list[i] && (!scope_may_use(list[i]->aio_fildes) ||
                           (list[i]->aio_lio_opcode == LIO_READ && denies(list[i]))))
            return -1;
    scope_suspend(&suspended);
    result = libc_calls()->lio_listio(mode, list, count, event);
    scope_resume(&suspended);
    return result;
}

/* On 64-bit machines struct aiocb64 is struct aiocb, and the calls are the same. */
int aio_read64(struct aiocb64 *block)
{
    return aio_read((struct aiocb *)block);
}

int aio_write64(struct aiocb64 *block)
{
    return aio_write((struct aiocb *)block);
}

int aio_fsync64(int operation, struct aiocb64 *block)
{
    return aio_fsync(operation, (struct aiocb *)block);
}

int lio_listio64(int mode, struct aiocb64 *const list[], int count, struct sigevent *event)
{
    return lio_listio(mode, (struct aiocb *const *)list, count, event);
}
