/* start.c: see start.h. */
#include "scope/start.h"

#include "account/ask.h"
#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "libc.h"
#include "scope/fork.h"
#include "scope/ids.h"
#include "scope/passed.h"
#include "scope/program.h"
#include "scope/root.h"
#include "scope/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void report_lost_switch(int error)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_SWITCH_LOST,
        .error = error,
        .account_uid = thread_state.account};

    channel_report(&request);
}

/* The server has not begun: nothing of its own can be lost by ending here. */
static _Noreturn void give_up(const char *step, int error)
{
    char line[160];
    int length = snprintf(line, sizeof line,
        "wsapeer: cannot wrap this program: %s: %s; start it through `wsapeer run`\n", step,
        strerrordesc_np(error));

    kernel_call(SYS_write, 2, (long)line, length, 0, 0, 0);
    for (;;)
        kernel_call(SYS_exit_group, 125, 0, 0, 0, 0, 0);
}

static void greet(int descriptor)
{
    int result = channel_open(descriptor, &process.settings);

    if (result < 0)
        give_up("the resolver does not answer", -result);
    channel_set_inheritable(true); /* until the process serves: what base executes is wrapped too */
    account_set_lifetime(process.settings.lifetime_ms);
}

static void prepare_scopes(void)
{
    int result = credentials_prepare();

    if (result < 0)
        give_up("its capabilities cannot be read or kept", -result);
    root_prepare();
    credentials_last_words = report_lost_switch;
    process.own_uid = credentials_base()->uid;
    process.own_gid = credentials_base()->gid;
    process.instance = process.settings.isolation == ISOLATION_INSTANCES;
    process.scopes = !process.instance; /* an instance is sealed from outside, all of it */
    if (process.instance)
        ids_prepare_instance();
}

void scope_start(const void *library)
{
    const char *number = getenv(PROTOCOL_CHANNEL_VARIABLE);
    int saved_errno = errno, result;

    if (!number)
        return;
    libc_calls();
    greet(atoi(number));
    result = program_prepare(library);
    if (result < 0)
        give_up("the program `become` beside the library cannot be opened", -result);
    identity_prepare();
    if (process.settings.mode == PROTECT_SCOPES)
        prepare_scopes();
    process.admits = process.settings.mode != PROTECT_OBSERVE && !process.instance;
    process.wrapped = true;
    process.epoch = 1;
    process.pid = kernel_getpid();
    passed_find_inherited();
    thread_state.tid = kernel_gettid();
    pthread_atfork(NULL, NULL, scope_fork_child);
    errno = saved_errno;
}
