/* signals.c: kill(pid, 0), by which servers ask whether they run already. */
#include "instance/instance.h"
#include "libc.h"
#include "scope/thread.h"

#include <errno.h>

int kill(pid_t pid, int number)
{
    thread_check();
    if (number == 0 && instance_overlooks(pid)) {
        errno = ESRCH;
        return -1;
    }
    return libc_calls()->kill(pid, number);
}
