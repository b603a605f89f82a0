/* paths.c: the path of a served AF_UNIX listener is the service's, not one instance's. */
#include "instance/instance.h"

#include "instance/stand_ins.h"
#include "instance/supervisor.h"
#include "kernel.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

static bool is_socket(int directory, const char *path)
{
    struct stat status;

    return kernel_call(SYS_newfstatat, directory, (long)path, (long)&status, AT_SYMLINK_NOFOLLOW, 0,
               0) == 0 &&
           S_ISSOCK(status.st_mode);
}

/* As the server would have given it to bind(2). */
static bool set_path(struct request_socket *socket, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (length == 0 || length > sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, length);
    return socket_set_address(socket, (const struct sockaddr *)&address,
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

bool instance_keeps_path(int directory, const char *path)
{
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    struct request_socket socket = {.family = AF_UNIX};

    if (!in_instance() || !is_socket(directory, path) || !set_path(&socket, path))
        return false;
    if (listing_has_address(&socket.address, socket.address_length))
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct stand_in answer;

        socket.type = types[i];
        if (supervisor_ask(REQUEST_BIND, &socket, -1, &answer, NULL) == 0)
            return true;
    }
    return false;
}
