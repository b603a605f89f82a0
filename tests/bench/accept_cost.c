/*
 * accept_cost N: what one TCP connection costs a server, in nanoseconds.
 *
 * A client process of another user connects N times over the loopback; the server accepts a
 * connection that is already queued, reads one byte, answers one and closes. Prints three medians:
 * of accept(2) alone, of accept to the first byte read, and of the whole connection. Run it wrapped
 * and not wrapped in one go and compare; see tests/bench/connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENT_UID = 1001, WARM_UP = 200 };

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static long long median(int64_t *samples, int count)
{
    qsort(samples, (size_t)count, sizeof *samples, compare);
    return samples[count / 2];
}

static int listen_on_loopback(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(listener, (struct sockaddr *)address, length) == 0, "bind");
    must(listen(listener, 128) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)address, &length) == 0, "getsockname");
    return listener;
}

/* Connects and sends its byte, then tells the server that it has; one at a time. */
static void be_client(const struct sockaddr_in *address, int count, int tell)
{
    must(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0, "setresgid");
    must(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0, "setresuid");
    for (int i = 0; i < count; i++) {
        int connection = socket(AF_INET, SOCK_STREAM, 0);
        char byte = 'x';

        must(
            connect(connection, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
        must(write(connection, &byte, 1) == 1, "write");
        must(write(tell, &byte, 1) == 1, "tell");
        must(read(connection, &byte, 1) == 1, "answer");
        close(connection);
    }
    exit(0);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 10000, told[2];
    int64_t *accepted = calloc((size_t)count, sizeof *accepted);
    int64_t *first = calloc((size_t)count, sizeof *first);
    int64_t *whole = calloc((size_t)count, sizeof *whole);
    struct sockaddr_in address;
    int listener = listen_on_loopback(&address);
    pid_t client;

    must(accepted && first && whole && pipe(told) == 0, "start");
    client = fork();
    if (client == 0)
        be_client(&address, count + WARM_UP, told[1]);
    for (int i = -WARM_UP; i < count; i++) {
        int64_t start, after_accept, after_read;
        int connection;
        char byte;

        must(read(told[0], &byte, 1) == 1, "told");
        start = now();
        connection = accept(listener, NULL, NULL);
        after_accept = now();
        must(connection >= 0 && read(connection, &byte, 1) == 1, "connection");
        after_read = now();
        must(write(connection, &byte, 1) == 1, "answer");
        close(connection);
        if (i < 0)
            continue;
        whole[i] = now() - start;
        accepted[i] = after_accept - start;
        first[i] = after_read - start;
    }
    waitpid(client, NULL, 0);
    printf("%lld %lld %lld\n", median(accepted, count), median(first, count), median(whole, count));
    return 0;
}
