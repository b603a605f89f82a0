/*
 * flagged.c: flagged PORT: the oldest loop of all: `while (!stop) accept()`, where a handler of
 * SIGTERM sets `stop`, without SA_RESTART. Each client is answered "ok" and closed.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void note(int signal)
{
    (void)signal;
    stop = 1;
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = note};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (count != 2)
        return 2;
    address.sin_port = htons((uint16_t)atoi(arguments[1]));
    sigaction(SIGTERM, &action, NULL);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 50) < 0)
        return 1;
    while (!stop) {
        int client = accept(listener, NULL, NULL);
        char request[100];

        if (client < 0)
            continue;
        if (read(client, request, sizeof request) > 0 && write(client, "ok\n", 3) < 0)
            perror("write");
        close(client);
    }
    puts("stopped by its flag");
    return 0;
}
