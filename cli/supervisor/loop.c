#include "loop.h"

#include "cleanup.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

static void wake(int number)
{
    (void)number;
}

int loop_open(struct loop *loop)
{
    const struct sigaction action = {.sa_handler = wake};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    loop->count = 0;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    return loop->epoll < 0 ? -errno : 0;
}

void loop_close(struct loop *loop)
{
    descriptor_cleanup(&loop->epoll);
    loop->epoll = -1;
}

int loop_add(struct loop *loop, struct source *source)
{
    struct epoll_event event = {.events = source->events, .data.ptr = source};

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->descriptor, &event) < 0 ? -errno : 0;
}

int loop_change(struct loop *loop, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (source->events == events)
        return 0;
    source->events = events;
    return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->descriptor, &event) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct source *source)
{
    if (!source->ready)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->descriptor, NULL);
    for (int i = 0; i < loop->count; i++)
        if (loop->batch[i].data.ptr == source)
            loop->batch[i].data.ptr = NULL;
    source->ready = NULL;
}

int loop_wait(struct loop *loop, int milliseconds)
{
    loop->count = epoll_wait(loop->epoll, loop->batch, LOOP_BATCH, milliseconds);
    if (loop->count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < loop->count; i++) {
        const struct source *source = loop->batch[i].data.ptr;

        if (source)
            source->ready(source->context, loop->batch[i].events);
    }
    loop->count = 0;
    return 0;
}

static void set_interval(long microseconds)
{
    const struct itimerval time = {{0, microseconds}, {0, microseconds}};

    setitimer(ITIMER_REAL, &time, NULL);
}

void loop_hurry(void)
{
    set_interval(1000);
}

void loop_hurry_no_more(void)
{
    set_interval(0);
}
