#include "cleanup.h"
#include "keeper_process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The log is the supervisor's and others': whether it blocks is not ours to change for them, so a
 * pipe or a terminal is opened anew. A file never blocks; opened anew it would have an offset of
 * its own, and lines would overwrite each other.
 */
void keeper_output_begin(struct keeper_output *output)
{
    struct stat status;
    char path[64];
    int own;

    output->way = LOG_IF_WRITABLE;
    if (fstat(output->log, &status) < 0)
        return;
    if (S_ISSOCK(status.st_mode)) {
        output->way = LOG_BY_SEND;
        return;
    }
    if (S_ISREG(status.st_mode)) {
        output->way = LOG_BY_WRITE;
        return;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", output->log);
    own = kernel_openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
    if (own >= 0) {
        output->log = own;
        output->way = LOG_BY_WRITE;
    }
}

/* What the log does not take at once is lost: a server must not wait for who reads its log. */
static void write_log(const struct keeper_output *output, const char *bytes, size_t size)
{
    struct pollfd set = {output->log, POLLOUT, 0};
    ssize_t written;

    if (output->way == LOG_BY_SEND)
        written = send(output->log, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (output->way == LOG_BY_WRITE || (poll(&set, 1, 0) == 1 && (set.revents & POLLOUT)))
        written = write(output->log, bytes, size);
    else
        written = -1;
    (void)written;
}

static void remember(struct keeper_output *output, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte == '\n' || byte == '\r') {
            if (output->length > 0)
                memcpy(output->last, output->line, output->length + 1);
            output->length = 0;
        } else if (output->length < sizeof output->line - 1) {
            output->line[output->length++] = (char)(byte < ' ' || byte == 0x7f ? '?' : byte);
            output->line[output->length] = '\0';
        }
    }
}

void keeper_output_copy(struct keeper_output *output)
{
    char bytes[4096]; /* PIPE_BUF: a pipe that is writable takes as much */

    /* A pipe's worth, so that who writes without end does not keep us from orders. */
    for (int i = 0; i < 16 && output->pipe >= 0; i++) {
        ssize_t size = kernel_read(output->pipe, bytes, sizeof bytes);

        if (size == -EAGAIN || size == -EINTR)
            return;
        if (size <= 0) {
            kernel_close(descriptor_steal(&output->pipe));
            return;
        }
        write_log(output, bytes, (size_t)size);
        remember(output, bytes, (size_t)size);
    }
}

const char *keeper_output_last(const struct keeper_output *output)
{
    return output->length > 0 ? output->line : output->last;
}
