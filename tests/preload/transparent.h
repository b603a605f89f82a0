/*
 * transparent.h: what the tests share that run twice, with `wsapeer run --observe` around them and
 * without. Nothing in them knows which it is: a server must not be able to tell.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A listener, its clients' address, and one connection with both ends: `far` is the client's. */
struct fixture {
    int family; /* set by the test's entry in its table: AF_INET or AF_UNIX */
    int listener;
    struct sockaddr_storage address;
    socklen_t address_length;
    int near, far;
};

/* For cmocka's tables: open a listener; open a connection as well; close everything. */
int open_listener(void **state);
int open_connection(void **state);
int close_all(void **state);

/* A client of the fixture's listener, connected (a blocking descriptor), or the test fails. */
int connect_to(const struct fixture *fixture);

/* Connects, accepts, sends a byte each way and closes: the listener is in order. */
void serve_one(const struct fixture *fixture);

/* Runs `work` in a forked child; the test fails unless it returns. MUST is its assert. */
void in_child(void (*work)(struct fixture *fixture), struct fixture *fixture);
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/*
 * Waits, 10 s at most, until thread `tid` of this process sleeps in a system call. Nothing tells of
 * that: who could stop it where a call begins, a tracer, cannot be of the same process, and a
 * server's process is not to have one. So this looks, again and again.
 */
void await_sleep(pid_t tid);

/* Nanoseconds since some start, CLOCK_MONOTONIC. */
int64_t now(void);

/* The time `milliseconds` from now by `clock`. */
struct timespec in_future(clockid_t clock, int milliseconds);

/* A table's entry: the same test over TCP and over AF_UNIX. */
extern struct fixture over_tcp, over_unix;
#define BOTH(test, setup)                                                                          \
    {#test " over TCP", test, setup, close_all, &over_tcp},                                        \
    {                                                                                              \
#test " over AF_UNIX", test, setup, close_all, &over_unix                                  \
    }
