#include "notify.h"

#include "cleanup.h"
#include "escape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { MESSAGE_SIZE = 4096, STATUS_SIZE = 512, MOST_AT_ONCE = 64 };

/* Not connected to: a manager that is started anew is found again by the name. */
static int talker = -1;
static struct sockaddr_un manager;
static socklen_t manager_length;

/* False: it is no name that a socket can have. */
static bool read_address(const char *name)
{
    size_t length = strlen(name);

    manager = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof manager.sun_path)
        return false;
    memcpy(manager.sun_path, name, length);
    if (name[0] == '@')
        manager.sun_path[0] = '\0';
    manager_length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
    return true;
}

bool notify_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    bool understood = name && read_address(name);

    unsetenv("NOTIFY_SOCKET");
    notify_close();
    if (understood)
        talker = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return talker >= 0;
}

void notify_close(void)
{
    descriptor_cleanup(&talker);
    talker = -1;
}

static void tell(const char *message)
{
    if (talker >= 0)
        sendto(talker, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL,
            (struct sockaddr *)&manager, manager_length);
}

void notify_ready(void)
{
    tell("READY=1\n");
}

void notify_stopping(void)
{
    tell("STOPPING=1\n");
}

/* With the time, the manager can tell this from the notifications of an earlier reload. */
void notify_reloading(void)
{
    char message[64];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
        (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    tell(message);
}

/* An end of line in the text would begin another variable. */
void notify_status(const char *format, ...)
{
    char text[STATUS_SIZE], escaped[STATUS_SIZE * ESCAPE_FACTOR], message[sizeof escaped + 16];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(message, sizeof message, "STATUS=%s\n", escape_text(escaped, sizeof escaped, text));
    tell(message);
}

/* ---- what the instances say ------------------------------------------------------------------ */

/* The kernel picks an abstract name that is free when one without any is bound. */
int notify_inner_open(char *address, size_t size)
{
    const int on = 1;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t length = sizeof name.sun_family;
    cleanup_descriptor int opened = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int printed;

    if (opened < 0 || setsockopt(opened, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
        bind(opened, (struct sockaddr *)&name, length) < 0)
        return -errno;
    length = sizeof name;
    if (getsockname(opened, (struct sockaddr *)&name, &length) < 0)
        return -errno;
    length -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
    printed = snprintf(address, size, "@%.*s", (int)length, name.sun_path + 1);
    return printed < 0 || (size_t)printed >= size ? -ENAMETOOLONG : descriptor_steal(&opened);
}

static bool has_line(const char *text, const char *wanted)
{
    size_t length = strlen(wanted);

    while (text) {
        if (strncmp(text, wanted, length) == 0 && (text[length] == '\n' || text[length] == '\0'))
            return true;
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return false;
}

/* Who sent it; false: the kernel does not say. */
static bool read_control(struct msghdr *header, struct ucred *sender)
{
    bool told = false;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof *sender)) {
            memcpy(sender, CMSG_DATA(c), sizeof *sender);
            told = true;
        }
    }
    return told;
}

bool notify_inner_is_ready(int socket, pid_t *pid, uid_t *uid)
{
    char text[MESSAGE_SIZE];
    /*
     * Room for who sent it, which comes first, and for no descriptor (FDSTORE=1, BARRIER=1): the
     * kernel lets go of those. One that we had to close could keep us as long as its sender likes.
     */
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    bool ready = false;

    for (int i = 0; i < MOST_AT_ONCE && !ready; i++) {
        struct iovec part = {text, sizeof text - 1};
        struct msghdr header = {.msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = control,
            .msg_controllen = sizeof control};
        ssize_t length = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct ucred sender;

        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return false;
        text[length] = '\0';
        ready = read_control(&header, &sender) && has_line(text, "READY=1");
        if (ready) {
            *pid = sender.pid;
            *uid = sender.uid;
        }
    }
    return ready;
}
