/*
 * stdio_datagrams.c: a server of datagrams that reads them by calls which no library sees, or that
 * say nothing of a sender.
 *
 *   stdio_datagrams fdopen|fdopen-early|dup|splice|aio PORT     on 127.0.0.1
 *   stdio_datagrams stdin                  what it was started with
 *
 * It tells on standard output what it read, or why it could not; then it waits for its end.
 */
#include <aio.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void bind_to(int server, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (bind(server, (struct sockaddr *)&address, sizeof address) < 0)
        exit(1);
}

static int unbound(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int bound(const char *port)
{
    int server = unbound();

    bind_to(server, port);
    return server;
}

static void tell(const char *what, const char *result)
{
    printf("%s: %s\n", what, result);
    fflush(stdout);
}

static void read_lines(FILE *file)
{
    char line[200];

    if (file && fgets(line, sizeof line, file))
        tell("read", line);
    else
        tell("stdio", strerror(errno));
}

static void read_by_pipe(int server)
{
    int ends[2];
    char text[200] = "";

    if (pipe(ends) < 0)
        exit(1);
    if (splice(server, NULL, ends[1], NULL, sizeof text - 1, 0) < 0)
        tell("splice", strerror(errno));
    else if (read(ends[0], text, sizeof text - 1) > 0)
        tell("read", text);
}

/* The FILE is there before anybody can know that the socket will be served. */
static void read_early(const char *port)
{
    int server = unbound();
    FILE *file = fdopen(server, "r");
    int error = errno;

    bind_to(server, port);
    errno = error;
    read_lines(file);
}

static void read_by_number_0(const char *port)
{
    dup2(bound(port), STDIN_FILENO);
    read_lines(stdin);
}

static void read_by_thread(int server)
{
    char text[200] = "";
    struct aiocb block = {.aio_fildes = server, .aio_buf = text, .aio_nbytes = sizeof text - 1};
    const struct aiocb *list[] = {&block};

    if (aio_read(&block) < 0) {
        tell("aio_read", strerror(errno));
        return;
    }
    while (aio_error(&block) == EINPROGRESS)
        aio_suspend(list, 1, NULL);
    tell("read", text);
}

int main(int count, char **arguments)
{
    if (count < 2)
        return 2;
    if (strcmp(arguments[1], "stdin") == 0)
        read_lines(stdin);
    else if (strcmp(arguments[1], "fdopen") == 0)
        read_lines(fdopen(bound(arguments[2]), "r"));
    else if (strcmp(arguments[1], "fdopen-early") == 0)
        read_early(arguments[2]);
    else if (strcmp(arguments[1], "dup") == 0)
        read_by_number_0(arguments[2]);
    else if (strcmp(arguments[1], "aio") == 0)
        read_by_thread(bound(arguments[2]));
    else
        read_by_pipe(bound(arguments[2]));
    for (;;)
        pause();
}
