/* silence.c: see silence.h. */
#include "scope/silence.h"

#include "account/channel.h"
#include "kernel.h"
#include "scope/datagrams.h"
#include "scope/scope.h"

/* What stands for the sockets that bring clients to the accepting process. */
struct silence {
    int stream;   /* one of a pair; its other end says nothing */
    uint64_t own; /* what the handler itself is to hear */
};

static void stand_in_for(int number, int silent)
{
    int flags = kernel_fcntl(number, F_GETFD, 0);

    if (silent < 0 || flags < 0)
        return; /* what comes is the handler's end, and nobody else's harm */
    kernel_call(SYS_dup3, silent, number, flags & FD_CLOEXEC ? O_CLOEXEC : 0, 0, 0, 0);
}

/* The server's waits go on over the handler's own client; who comes next is not its affair. */
static void silence_listener(int number, const struct descriptor *entry, int silent)
{
    struct descriptor silenced = *entry;

    stand_in_for(number, silent);
    if (kernel_socket_cookie(number, &silenced.cookie) == 0)
        descriptor_record(number, &silenced);
}

/* It can be sent from as ever, by another port. */
static void silence_datagrams(int number)
{
    int family = 0, silent;
    socklen_t length = sizeof family;

    if (kernel_getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        return;
    silent = kernel_socket(family, SOCK_DGRAM, 0);
    stand_in_for(number, silent);
    kernel_close(silent);
    descriptor_forget(number);
}

static void silence(int number, const struct descriptor *entry, void *context)
{
    const struct silence *silence = context;
    struct sockaddr_storage peer;

    if (entry->cookie == silence->own)
        return;
    if (entry->kind == DESCRIPTOR_LISTENER)
        silence_listener(number, entry, silence->stream);
    else if (entry->kind == DESCRIPTOR_DATAGRAMS && !datagrams_is_own_client(number, &peer))
        silence_datagrams(number);
}

void silence_others(uint64_t own)
{
    struct silence silent = {.own = own};
    int pair[2];

    if (kernel_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return;
    silent.stream = pair[0];
    descriptor_visit(silence, &silent);
    kernel_close(pair[0]);
    pair[1] = channel_raise_descriptor(pair[1]);
    if (pair[1] >= 0)
        scope_add_own(pair[1]);
}
