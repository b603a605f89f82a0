#include "descriptors.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int descriptors_close_others(int keep[], size_t count)
{
    unsigned next = STDERR_FILENO + 1;

    qsort(keep, count, sizeof keep[0], compare);
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < (int)next)
            continue;
        if ((unsigned)keep[i] > next && close_range(next, (unsigned)keep[i] - 1, 0) < 0)
            return -errno;
        next = (unsigned)keep[i] + 1;
    }
    return close_range(next, ~0U, 0) < 0 ? -errno : 0;
}

int descriptors_leave_standard(int keep)
{
    cleanup_descriptor int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return -errno;
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
        if (standard != keep && dup2(null, standard) < 0)
            return -errno;
    return 0;
}

void descriptors_fill_standard(void)
{
    int opened;

    do
        opened = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (opened >= 0 && opened <= STDERR_FILENO);
    descriptor_cleanup(&opened);
}

int descriptors_send(int socket, const void *bytes, size_t size, int descriptor)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (descriptor >= 0) {
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
    }
    return (int)kernel_sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}
