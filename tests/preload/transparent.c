/* transparent.c: see transparent.h. */
#include "transparent.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/un.h>

struct fixture over_tcp = {.family = AF_INET}, over_unix = {.family = AF_UNIX};

/* An empty AF_UNIX address asks for an abstract name that is free. */
static socklen_t any_address(int family, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    if (family == AF_UNIX)
        return sizeof(sa_family_t);
    ((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof(struct sockaddr_in);
}

int open_listener(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr *address = (struct sockaddr *)&fixture->address;
    socklen_t length = any_address(fixture->family, &fixture->address);
    fixture->near = fixture->far = -1;
    fixture->listener = socket(fixture->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fixture->listener < 0 || bind(fixture->listener, address, length) != 0 ||
        listen(fixture->listener, 16) != 0)
        return -1;
    fixture->address_length = sizeof fixture->address;
    return getsockname(fixture->listener, address, &fixture->address_length);
}

int open_connection(void **state)
{
    struct fixture *fixture = *state;
    if (open_listener(state) != 0)
        return -1;
    fixture->far = connect_to(fixture);
    fixture->near = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);
    return fixture->near >= 0 ? 0 : -1;
}

int close_all(void **state)
{
    struct fixture *fixture = *state;
    int *descriptors[] = {&fixture->listener, &fixture->near, &fixture->far};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        if (*descriptors[i] >= 0)
            close(*descriptors[i]);
        *descriptors[i] = -1;
    }
    return 0;
}

int connect_to(const struct fixture *fixture)
{
    int client = socket(fixture->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr *address = (const struct sockaddr *)&fixture->address;
    if (client < 0 || connect(client, address, fixture->address_length) != 0)
        fail_msg("connect: %s", strerror(errno));
    return client;
}

void serve_one(const struct fixture *fixture)
{
    char byte = 0;
    int client = connect_to(fixture);
    struct pollfd ready = {fixture->listener, POLLIN, 0};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    int connection = accept(fixture->listener, NULL, NULL);
    assert_true(connection >= 0);
    assert_int_equal(write(client, "?", 1), 1);
    assert_int_equal(read(connection, &byte, 1), 1);
    assert_int_equal(byte, '?');
    assert_int_equal(write(connection, "!", 1), 1);
    assert_int_equal(read(client, &byte, 1), 1);
    assert_int_equal(byte, '!');
    assert_int_equal(close(connection), 0);
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
}

void in_child(void (*work)(struct fixture *fixture), struct fixture *fixture)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        work(fixture);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_asleep(pid_t tid)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    text[count > 0 ? count : 0] = '\0';
    const char *after_name = strrchr(text, ')');
    return after_name != NULL && after_name[1] == ' ' && after_name[2] == 'S';
}

void await_sleep(pid_t tid)
{
    for (int64_t end = now() + 10000000000; !is_asleep(tid);) {
        if (now() > end)
            fail_msg("thread %d does not fall asleep", (int)tid);
        sched_yield();
    }
}

int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

struct timespec in_future(clockid_t clock, int milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds * 1000000L;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}
