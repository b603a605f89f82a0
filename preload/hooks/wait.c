/* wait.c: poll, select and epoll, with the fortified forms. The rules are in scope/wait.c. */
#include "instance/instance.h"
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

static int after(const struct wait_set *set, int result)
{
    scope_after_wait(set, result);
    return result;
}

static void before_poll(struct wait_set *set, struct pollfd *array, nfds_t count)
{
    thread_check();
    scope_wait_add_poll(set, array, count);
    if (set->listener)
        instance_before_clients(false);
    scope_before_wait(set);
}

static void before_epoll(struct wait_set *set, int epoll)
{
    thread_check();
    scope_epoll_waits();
    scope_wait_add(set, epoll);
    set->epoll = epoll;
    if (set->listener)
        instance_before_clients(true);
    scope_before_wait(set);
}

static int after_epoll(const struct wait_set *set, int result)
{
    __atomic_sub_fetch(&process.epoll_waits, 1, __ATOMIC_RELAXED);
    return after(set, result);
}

static void before_select(
    struct wait_set *set, int count, const fd_set *read, const fd_set *write, const fd_set *except)
{
    thread_check();
    scope_wait_add_select(set, count, read, write, except);
    if (set->listener)
        instance_before_clients(false);
    scope_before_wait(set);
}

int poll(struct pollfd *array, nfds_t count, int timeout)
{
    struct wait_set set = {.limited = timeout >= 0};
    int result;

    before_poll(&set, array, count);
    do
        result = libc_calls()->poll(array, count, timeout);
    while (scope_wait_again(result));
    return after(&set, result);
}

int __poll_chk(struct pollfd *array, nfds_t count, int timeout, size_t room)
{
    struct wait_set set = {.limited = timeout >= 0};
    int result;

    before_poll(&set, array, count);
    do
        result = libc_calls()->__poll_chk(array, count, timeout, room);
    while (scope_wait_again(result));
    return after(&set, result);
}

int ppoll(struct pollfd *array, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    struct wait_set set = {.limited = timeout != NULL};
    int result;

    before_poll(&set, array, count);
    do
        result = libc_calls()->ppoll(array, count, timeout, mask);
    while (scope_wait_again(result));
    return after(&set, result);
}

int __ppoll_chk(struct pollfd *array, nfds_t count, const struct timespec *timeout,
    const sigset_t *mask, size_t room)
{
    struct wait_set set = {.limited = timeout != NULL};
    int result;

    before_poll(&set, array, count);
    do
        result = libc_calls()->__ppoll_chk(array, count, timeout, mask, room);
    while (scope_wait_again(result));
    return after(&set, result);
}

int select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout)
{
    struct wait_set set = {.limited = timeout != NULL};
    int result;

    before_select(&set, count, read, write, except);
    do
        result = libc_calls()->select(count, read, write, except, timeout);
    while (scope_wait_again(result));
    return after(&set, result);
}

int pselect(int count, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout,
    const sigset_t *mask)
{
    struct wait_set set = {.limited = timeout != NULL};
    int result;

    before_select(&set, count, read, write, except);
    do
        result = libc_calls()->pselect(count, read, write, except, timeout, mask);
    while (scope_wait_again(result));
    return after(&set, result);
}

int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
    struct wait_set set = {.limited = timeout >= 0};
    int result;

    before_epoll(&set, epoll);
    do
        result = libc_calls()->epoll_wait(epoll, events, count, timeout);
    while (scope_wait_again(result));
    return after_epoll(&set, result);
}

int epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
    struct wait_set set = {.limited = timeout >= 0};
    int result;

    before_epoll(&set, epoll);
    do
        result = libc_calls()->epoll_pwait(epoll, events, count, timeout, mask);
    while (scope_wait_again(result));
    return after_epoll(&set, result);
}

int epoll_pwait2(int epoll, struct epoll_event *events, int count, const struct timespec *timeout,
    const sigset_t *mask)
{
    struct wait_set set = {.limited = timeout != NULL};
    int result;

    before_epoll(&set, epoll);
    do
        result = libc_calls()->epoll_pwait2(epoll, events, count, timeout, mask);
    while (scope_wait_again(result));
    return after_epoll(&set, result);
}

int epoll_ctl(int epoll, int operation, int number, struct epoll_event *event)
{
    int result;

    thread_check();
    result = libc_calls()->epoll_ctl(epoll, operation, number, event);
    if (result == 0)
        (operation == EPOLL_CTL_ADD ? scope_epoll_added : scope_epoll_changed)(epoll, number);
    if (result == 0 && operation == EPOLL_CTL_ADD && scope_is_waited_for(number))
        instance_before_clients(true);
    return result;
}

int epoll_create(int size)
{
    int number = libc_calls()->epoll_create(size);

    scope_made_epoll(number);
    return number;
}

int epoll_create1(int flags)
{
    int number = libc_calls()->epoll_create1(flags);

    scope_made_epoll(number);
    return number;
}
