/*
 * others.c: the service's other instances are no sign that it runs already.
 *
 * The usual check is a pid file and kill(pid, 0). The pid in it is that of the service's first
 * process or of another instance, which is no reason not to start.
 */
#include "instance/instance.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "instance/supervisor.h"

bool instance_overlooks(pid_t pid)
{
    struct request request = {.magic = PROTOCOL_MAGIC, .kind = REQUEST_OTHERS, .pid = pid};
    struct stand_in answer = {.magic = 0};
    struct iovec part = {&answer, sizeof answer};

    if (!in_instance() || pid <= 0 || credentials_is_sealed_from_outside())
        return false;
    return channel_ask(&request, &part, 1) == sizeof answer && answer.magic == PROTOCOL_MAGIC &&
           answer.result == 0;
}
