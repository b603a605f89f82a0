/*
 * transparent_sharing.c: listeners that several processes have, by fork, by exec, in a message; and
 * one address that several listeners have.
 */
#include "transparent_kinds.h"

#include <arpa/inet.h>
#include <sys/epoll.h>

static void two_share_a_port(void **state)
{
    struct kind *kind = *state;
    int other = socket(kind->family, kind->type | SOCK_CLOEXEC, 0), on = 1;
    int first = socket(kind->family, kind->type | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    assert_int_equal(bind(first, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(first, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(bind(other, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(first, 5), 0);
    assert_int_equal(listen(other, 5), 0);
    assert_int_equal(option_of(other, SOL_SOCKET, SO_REUSEPORT), 1);
    for (int i = 0; i < 8; i++) {
        struct pollfd ready[] = {{first, POLLIN, 0}, {other, POLLIN, 0}};
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (struct sockaddr *)&address, length), 0);
        assert_int_equal(poll(ready, 2, 10000), 1);
        close(accept(ready[0].revents ? first : other, NULL, NULL));
        close(client);
    }
    close(first);
    close(other);
}

enum { WORKERS = 4, CLIENTS = 1000 };

/* By an epoll set of its own, woken exclusively, until it is killed. */
static void work(const struct kind *kind, int tally)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE}, got;
    int set = epoll_create1(EPOLL_CLOEXEC);
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, kind->listener, &event) == 0);
    for (;;) {
        MUST(epoll_wait(set, &got, 1, 20000) == 1);
        int connection = accept4(kind->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0 && errno == EAGAIN)
            continue; /* another was faster */
        char byte;
        MUST(connection >= 0);
        MUST(read(connection, &byte, 1) == 1);
        MUST(write(tally, &byte, 1) == 1);
        MUST(write(connection, &byte, 1) == 1);
        close(connection);
    }
}

static void workers_share_it(void **state)
{
    struct kind *kind = *state;
    pid_t workers[WORKERS];
    int tally[2], counted = 0, status;
    char bytes[CLIENTS];
    assert_int_equal(pipe2(tally, O_CLOEXEC), 0);
    assert_int_equal(fcntl(kind->listener, F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < WORKERS; i++)
        if ((workers[i] = fork()) == 0)
            work(kind, tally[1]);
    close(tally[1]);
    for (int i = 0; i < CLIENTS; i++) {
        char byte = (char)i, back = 0;
        int client = client_of(kind);
        assert_int_equal(send(client, &byte, 1, 0), 1);
        assert_int_equal(recv(client, &back, 1, 0), 1);
        assert_int_equal(byte, back);
        close(client);
    }
    for (int i = 0; i < WORKERS; i++) {
        kill(workers[i], SIGTERM);
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
    for (ssize_t more; (more = read(tally[0], bytes, sizeof bytes)) > 0;)
        counted += (int)more;
    assert_int_equal(counted, CLIENTS);
    close(tally[0]);
}

static void accepts_one(int listener, int type)
{
    char byte;
    int connection = accept(listener, NULL, NULL);
    if (connection < 0 || recv(connection, &byte, 1, 0) != 1 ||
        send(connection, &byte, 1, 0) != 1 || option_of(listener, SOL_SOCKET, SO_TYPE) != type)
        _exit(1);
    _exit(0);
}

static void another_process_serves(struct kind *kind, pid_t child)
{
    int client = client_of(kind), status;
    char byte = 0;
    assert_int_equal(send(client, "e", 1, 0), 1);
    assert_int_equal(recv(client, &byte, 1, 0), 1);
    assert_int_equal(byte, 'e');
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(client);
}

static void an_executed_program_serves(void **state)
{
    struct kind *kind = *state;
    char number[16], type[16];
    snprintf(number, sizeof number, "%d", kind->listener);
    snprintf(type, sizeof type, "%d", kind->type);
    fcntl(kind->listener, F_SETFD, 0);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "sharing", number, type, NULL);
        _exit(127);
    }
    another_process_serves(kind, child);
}

static void pass(int socket, int descriptor)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static int take_passed(int socket)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    int descriptor;
    MUST(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1);
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
}

static void a_process_that_is_passed_it_serves(void **state)
{
    struct kind *kind = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        close(kind->listener);
        accepts_one(take_passed(pair[1]), kind->type);
    }
    pass(pair[0], kind->listener);
    another_process_serves(kind, child);
    close(pair[0]);
    close(pair[1]);
}

int main(int count, char **arguments)
{
    if (count == 3) {
        alarm(20);
        accepts_one(atoi(arguments[1]), atoi(arguments[2]));
    }
    const struct CMUnitTest tests[] = {
        WITH(two_share_a_port, v4),
        WITH(workers_share_it, v4),
        WITH(workers_share_it, path),
        WITH(an_executed_program_serves, v4),
        WITH(an_executed_program_serves, packets),
        WITH(a_process_that_is_passed_it_serves, v4),
        WITH(a_process_that_is_passed_it_serves, packets),
    };
    return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
