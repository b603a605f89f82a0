#include "event_sink.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int connect_syslog(int socket)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

    return connect(socket, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

static int open_syslog(struct event_sink *sink)
{
    cleanup_descriptor int opened = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = opened < 0 ? -errno : connect_syslog(opened);

    if (error < 0)
        return error;
    sink->kind = SINK_SYSLOG;
    sink->descriptor = descriptor_steal(&opened);
    return 0;
}

/*
 * A pipe or terminal is opened once more, so that O_NONBLOCK is ours alone; where that is not
 * allowed (it is another user's), and for files, which share their offset, it is duplicated.
 */
static int open_stderr(struct event_sink *sink)
{
    const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    struct stat status;

    if (fstat(STDERR_FILENO, &status) < 0)
        return -errno;
    sink->kind = S_ISSOCK(status.st_mode) ? SINK_SOCKET : SINK_FILE;
    if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))
        sink->descriptor = open("/proc/self/fd/2", flags);
    if (sink->descriptor < 0)
        sink->descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return sink->descriptor < 0 ? -errno : 0;
}

static int open_file(struct event_sink *sink, const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

    sink->kind = SINK_FILE;
    sink->descriptor = open(path, flags, 0640);
    return sink->descriptor < 0 ? -errno : 0;
}

int event_sink_open(struct event_sink *sink, enum event_target target, const char *path)
{
    *sink = (struct event_sink){.descriptor = -1};
    switch (target) {
    case EVENT_TO_SYSLOG:
        return open_syslog(sink);
    case EVENT_TO_FILE:
        return open_file(sink, path);
    case EVENT_TO_STDERR:
        break;
    }
    return open_stderr(sink);
}

void event_sink_close(struct event_sink *sink)
{
    descriptor_cleanup(&sink->descriptor);
    sink->descriptor = -1;
}

/* What goes to the reader without waiting; fewer bytes than `length`, or none, if he is slow. */
static size_t write_now(const struct event_sink *sink, const char *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        struct pollfd writable = {sink->descriptor, POLLOUT, 0};
        ssize_t written;

        if (poll(&writable, 1, 0) <= 0 || !(writable.revents & POLLOUT))
            break;
        if (sink->kind == SINK_SOCKET)
            written =
                send(sink->descriptor, bytes + done, length - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        else
            written = write(sink->descriptor, bytes + done, length - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    return done;
}

static bool write_line(struct event_sink *sink, const char *line, size_t length)
{
    size_t done;

    if (sink->torn && write_now(sink, "\n", 1) != 1)
        return false;
    done = write_now(sink, line, length);
    sink->torn = done > 0 && done < length;
    return done == length;
}

/* As syslog(3) has it, which itself would wait for a logger that has stopped. */
static bool write_syslog(
    const struct event_sink *sink, const char *line, size_t length, int priority)
{
    cleanup_memory char *packet = NULL;
    char when[32];
    struct tm parts;
    time_t now = time(NULL);
    int size;

    localtime_r(&now, &parts);
    strftime(when, sizeof when, "%h %e %T", &parts);
    size = asprintf(
        &packet, "<%d>%s wsapeer[%d]: %.*s", priority, when, (int)getpid(), (int)length - 1, line);
    if (size < 0) {
        packet = NULL;
        return false;
    }
    for (int attempt = 0; attempt < 2; attempt++) {
        if (send(sink->descriptor, packet, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) == size)
            return true;
        if (errno == EAGAIN || connect_syslog(sink->descriptor) < 0)
            return false;
    }
    return false;
}

bool event_sink_write(struct event_sink *sink, const char *line, size_t length, int priority)
{
    if (sink->kind == SINK_SYSLOG)
        return write_syslog(sink, line, length, priority);
    return write_line(sink, line, length);
}
