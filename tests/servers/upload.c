/*
 * upload MODEL HOST PORT DIRECTORY: takes files from clients.
 *
 * MODEL is `iterative` (one connection after the other) or `threads` (a thread a connection, made
 * by the thread that accepts). A client says "put NAME LENGTH\n" and LENGTH bytes, as often as it
 * likes; each is answered with "ok\n" or "error TEXT\n". Files are made with open(2), mode 0666, so
 * whose they are and who may read them is the kernel's answer for the thread that made them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_LENGTH = 1 << 16, MAX_LINE = 256 };

static int directory;

static void die(const char *what)
{
    fprintf(stderr, "upload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool read_all(int connection, char *buffer, size_t length)
{
    while (length > 0) {
        ssize_t count = read(connection, buffer, length);
        if (count <= 0)
            return false;
        buffer += count;
        length -= (size_t)count;
    }
    return true;
}

/* One byte at a time: what follows the line is the file's. */
static bool read_line(int connection, char line[MAX_LINE])
{
    for (size_t i = 0; i + 1 < MAX_LINE; i++) {
        if (!read_all(connection, line + i, 1))
            return false;
        if (line[i] == '\n') {
            line[i] = '\0';
            return true;
        }
    }
    return false;
}

static int store(const char *name, const char *bytes, size_t length)
{
    if (strchr(name, '/') != NULL || name[0] == '.')
        return -EINVAL;
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return -errno;
    int result = write(file, bytes, length) == (ssize_t)length ? 0 : -EIO;
    close(file);
    return result;
}

static bool answer_one(int connection)
{
    char line[MAX_LINE], name[64], reply[128];
    size_t length;
    if (!read_line(connection, line))
        return false;
    if (sscanf(line, "put %63s %zu", name, &length) != 2 || length > MAX_LENGTH)
        return false;
    char *bytes = malloc(length + 1);
    if (bytes == NULL)
        return false;
    bool whole = read_all(connection, bytes, length);
    int result = whole ? store(name, bytes, length) : 0;
    free(bytes);
    if (!whole)
        return false;
    int size = result == 0 ? snprintf(reply, sizeof reply, "ok\n")
                           : snprintf(reply, sizeof reply, "error %s\n", strerror(-result));
    return write(connection, reply, (size_t)size) == size;
}

static void *handle(void *argument)
{
    int connection = (int)(long)argument;
    while (answer_one(connection))
        ;
    close(connection);
    return NULL;
}

static void handle_in_thread(int connection)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, handle, (void *)(long)connection) != 0) {
        close(connection);
        return;
    }
    pthread_detach(thread);
}

static int listen_on(const char *host, const char *port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port))};
    if (listener < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        die(host);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        die("bind");
    if (listen(listener, 64) != 0)
        die("listen");
    return listener;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: upload iterative|threads HOST PORT DIRECTORY\n");
        return 2;
    }
    bool threads = strcmp(argv[1], "threads") == 0;
    directory = open(argv[4], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (directory < 0)
        die(argv[4]);
    int listener = listen_on(argv[2], argv[3]);
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN))
            continue;
        if (connection < 0)
            die("accept");
        if (threads)
            handle_in_thread(connection);
        else
            handle((void *)(long)connection);
    }
}
