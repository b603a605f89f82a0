/* silence.c: see silence.h. */
#include "scope/silence.h"

#include "account/channel.h"
#include "kernel.h"
#include "scope/datagrams.h"
#include "scope/scope.h"

/* What stands for the sockets that bring clients to the accepting process. */
struct silence {
    int streams[2]; /* each one of a pair whose other end says nothing; [1] has O_NONBLOCK */
    uint64_t own;   /* what the handler itself is to hear */
};

static void stand_in_for(int number, int silent)
{
    int flags = kernel_fcntl(number, F_GETFD, 0);

    if (silent < 0 || flags < 0)
        return; /* what comes is the handler's end, and nobody else's harm */
    kernel_call(SYS_dup3, silent, number, flags & FD_CLOEXEC ? O_CLOEXEC : 0, 0, 0, 0);
}

/* To wait for it, or to ask it, is to turn to the next client still (turn.h). */
static void record_silent(int number, const struct descriptor *entry)
{
    struct descriptor silenced = *entry;

    if (kernel_socket_cookie(number, &silenced.cookie) == 0)
        descriptor_record(number, &silenced);
}

/* The server's waits go on over the handler's own client; who comes next is not its affair. */
static void silence_listener(
    int number, const struct descriptor *entry, const struct silence *silence)
{
    bool waits = !(kernel_fcntl(number, F_GETFL, 0) & O_NONBLOCK);

    stand_in_for(number, silence->streams[!waits]);
    record_silent(number, entry);
}

/* It can be sent from as ever, by another port. */
static void silence_datagrams(int number, const struct descriptor *entry)
{
    int family = 0, silent;
    socklen_t length = sizeof family;

    if (kernel_getsockopt(number, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0)
        return;
    silent = kernel_socket(family, SOCK_DGRAM | (kernel_fcntl(number, F_GETFL, 0) & O_NONBLOCK), 0);
    stand_in_for(number, silent);
    kernel_close(silent);
    record_silent(number, entry);
}

static bool brings_datagrams(int number, const struct descriptor *entry)
{
    struct sockaddr_storage peer;
    int type = 0;
    socklen_t length = sizeof type;

    if (entry->kind == DESCRIPTOR_UNTOUCHED)
        return kernel_getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
               type == SOCK_DGRAM;
    return entry->kind == DESCRIPTOR_DATAGRAMS && !datagrams_is_own_client(number, &peer);
}

static void silence(int number, const struct descriptor *entry, void *context)
{
    const struct silence *silence = context;

    if (entry->cookie == silence->own)
        return;
    if (brings_datagrams(number, entry))
        silence_datagrams(number, entry);
    else if (entry->kind == DESCRIPTOR_LISTENER || entry->kind == DESCRIPTOR_UNTOUCHED)
        silence_listener(number, entry, silence);
}

/* One end; the other stays open, and is ours. -1 if there is none. */
static int make_silent(int flags)
{
    int pair[2];

    if (kernel_socketpair(AF_UNIX, SOCK_STREAM | flags, 0, pair) < 0)
        return -1;
    pair[1] = channel_raise_descriptor(pair[1]);
    if (pair[1] >= 0)
        scope_add_own(pair[1]);
    return pair[0];
}

void silence_others(uint64_t own)
{
    struct silence silent = {.streams = {make_silent(0), make_silent(SOCK_NONBLOCK)}, .own = own};

    descriptor_visit(silence, &silent);
    for (int i = 0; i < 2; i++)
        if (silent.streams[i] >= 0)
            kernel_close(silent.streams[i]);
}

static void silence_own(int number, const struct descriptor *entry, void *context)
{
    if (entry->kind == DESCRIPTOR_DATAGRAMS && entry->cookie == *(const uint64_t *)context)
        silence_datagrams(number, entry);
}

void silence_datagrams_too(uint64_t own)
{
    descriptor_visit(silence_own, &own);
}
