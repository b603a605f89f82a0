/*
 * test_takeover.c: --isolate=auto, in a process that waits for its listener by epoll: at the first
 * wait the supervisor takes it, and the sets it waits in do not notice. Runs under
 * `instance_host --auto`; each test is a process of its own, since each decides once.
 */
#include "transparent.h"

#include <sys/epoll.h>

static int type_of(int number)
{
    int type = 0;
    socklen_t length = sizeof type;
    MUST(getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0);
    return type;
}

static void add(int set, int number, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, number, &event) == 0);
}

static void expect(int set, uint32_t events, uint64_t data)
{
    struct epoll_event got = {0};
    int count = epoll_wait(set, &got, 1, events ? 10000 : 0);
    MUST(count == (events ? 1 : 0));
    MUST(got.events == events && got.data.u64 == data);
}

static void serve(struct fixture *fixture, int listener)
{
    int client = connect_to(fixture);
    int connection = accept(listener, NULL, NULL);
    MUST(connection >= 0);
    close(connection);
    close(client);
}

static void has_two_sets(struct fixture *fixture)
{
    int level = epoll_create1(EPOLL_CLOEXEC), edge = epoll_create1(0), other[2];
    int copy = dup(fixture->listener);
    MUST(pipe2(other, O_CLOEXEC) == 0);
    add(level, fixture->listener, EPOLLIN, 0x1122334455667788);
    add(level, other[0], EPOLLIN, 5);
    add(edge, fixture->listener, EPOLLIN | EPOLLET, UINT64_MAX);
    add(edge, copy, EPOLLIN | EPOLLEXCLUSIVE, 7);
    MUST(epoll_wait(level, &(struct epoll_event){0}, 1, 0) == 0); /* decides */
    MUST(type_of(fixture->listener) == SOCK_STREAM);

    int client = connect_to(fixture);
    expect(level, EPOLLIN, 0x1122334455667788);
    struct epoll_event got[3];
    MUST(epoll_wait(edge, got, 3, 10000) == 2);
    MUST(got[0].data.u64 + got[1].data.u64 == 6); /* UINT64_MAX and 7 */
    MUST(epoll_wait(edge, got, 3, 0) == 1);       /* the edge is over */
    MUST(got[0].data.u64 == 7);
    MUST(epoll_ctl(edge, EPOLL_CTL_MOD, copy, &got[0]) == -1); /* still exclusive */
    MUST(errno == EINVAL);
    int connection = accept(copy, NULL, NULL);
    MUST(connection >= 0);
    close(connection);
    close(client);
    MUST(write(other[1], "x", 1) == 1);
    expect(level, EPOLLIN, 5);
    MUST(epoll_ctl(edge, EPOLL_CTL_DEL, copy, NULL) == 0);
    MUST(epoll_ctl(edge, EPOLL_CTL_DEL, fixture->listener, NULL) == 0);
}

/* The descriptors stay as they were, and a later listener goes the same way. */
static void listens_once_more(struct fixture *fixture)
{
    int set = epoll_create1(EPOLL_CLOEXEC), type = 0;
    socklen_t length = sizeof type;
    int another = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr nameless = {.sa_family = AF_UNIX};
    MUST(fcntl(fixture->listener, F_SETFL, O_NONBLOCK) == 0);
    add(set, fixture->listener, EPOLLIN, 1);
    expect(set, 0, 0);
    MUST(fcntl(fixture->listener, F_GETFD) == FD_CLOEXEC);
    MUST(fcntl(fixture->listener, F_GETFL) & O_NONBLOCK);
    MUST(bind(another, &nameless, sizeof(sa_family_t)) == 0);
    MUST(listen(another, 5) == 0);
    struct fixture more = {.address_length = sizeof more.address, .family = AF_UNIX};
    MUST(getsockname(another, (struct sockaddr *)&more.address, &more.address_length) == 0);
    serve(&more, another);
    MUST(getsockopt(another, SOL_SOCKET, SO_ACCEPTCONN, &type, &length) == 0 && type == 1);
    MUST(getuid() != 0); /* and the process is at ground */
}

static void *wait_for_it(void *argument)
{
    int *set = argument;
    struct epoll_event got;
    MUST(epoll_wait(*set, &got, 1, 10000) == 1);
    return NULL;
}

static void has_many_threads(struct fixture *fixture)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    pthread_t threads[8];
    add(set, fixture->listener, EPOLLIN, 1);
    for (int i = 0; i < 8; i++)
        MUST(pthread_create(&threads[i], NULL, wait_for_it, &set) == 0);
    int client = connect_to(fixture);
    for (int i = 0; i < 8; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    close(accept(fixture->listener, NULL, NULL));
    close(client);
}

/* A pre-forking loop: each of its workers asks, and all of them are given the clients. */
static void has_workers(struct fixture *fixture)
{
    pid_t workers[3];
    int status, ready[2];
    char byte;
    MUST(pipe2(ready, O_CLOEXEC) == 0);
    for (int i = 0; i < 3; i++)
        if ((workers[i] = fork()) == 0) {
            int set = epoll_create1(EPOLL_CLOEXEC);
            add(set, fixture->listener, EPOLLIN, 3);
            expect(set, 0, 0); /* decides */
            MUST(write(ready[1], "", 1) == 1);
            expect(set, EPOLLIN, 3);
            close(accept(fixture->listener, NULL, NULL));
            _exit(0);
        }
    for (int i = 0; i < 3; i++)
        MUST(read(ready[0], &byte, 1) == 1);
    for (int i = 0; i < 3; i++) {
        int client = connect_to(fixture);
        MUST(read(client, &byte, 1) == 0);
        close(client);
        MUST(waitpid(-1, &status, 0) > 0 && status == 0);
    }
}

#define IN_CHILD(work)                                                                             \
    static void a_loop_that_##work(void **state)                                                   \
    {                                                                                              \
        in_child(work, *state);                                                                    \
    }

IN_CHILD(has_two_sets)
IN_CHILD(listens_once_more)
IN_CHILD(has_many_threads)
IN_CHILD(has_workers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_loop_that_has_two_sets, open_listener),
        BOTH(a_loop_that_listens_once_more, open_listener),
        BOTH(a_loop_that_has_many_threads, open_listener),
        BOTH(a_loop_that_has_workers, open_listener),
    };
    return cmocka_run_group_tests_name("take-over", tests, NULL, NULL);
}
