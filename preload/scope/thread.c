/* thread.c: see thread.h. */
#include "scope/thread.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "scope/root.h"
#include "scope/scratch.h"
#include "scope/signals.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

struct process process;
__thread struct thread thread_state;

bool thread_is_own(void)
{
    return kernel_gettid() == thread_state.tid;
}

void thread_catch_up(void)
{
    uint32_t epoch = __atomic_load_n(&process.epoch, __ATOMIC_ACQUIRE);
    bool serving = __atomic_load_n(&process.serving, __ATOMIC_ACQUIRE) == SERVING;
    pid_t tid = kernel_gettid();

    if (thread_state.tid == 0 && kernel_getpid() == process.pid)
        thread_state.tid = tid;
    else if (thread_state.tid != tid)
        return;
    thread_state.epoch = epoch;
    if (!serving) {
        credentials_after_own_change();
        return;
    }
    /* At base until now and lowered by libc's signal, or made behind our back: both end at ground.
     */
    if (thread_state.acting != ACTING_PEER) {
        thread_state.acting = ACTING_GROUND;
        credentials_ground();
    }
}

#ifdef WSAPEER_DEBUG_IDS
/* In one call of sixteen: does the kernel believe what we believe? */
void thread_compare_ids(void)
{
    static __thread unsigned calls;

    calls = calls * 1103515245 + 12345;
    if ((calls >> 16) % 16 == 0 && process.scopes && thread_is_own() && credentials_verify() < 0)
        __builtin_trap();
}
#endif

bool connection_is_open(int number, uint64_t cookie)
{
    return kernel_is_socket(number, cookie) || descriptor_has_twin(number, cookie);
}

bool thread_owes_another(uint64_t cookie, uid_t account)
{
    const struct thread *thread = &thread_state;

    return thread->last_cookie && thread->last_cookie != cookie &&
           thread->last_account != account &&
           connection_is_open(thread->last_number, thread->last_cookie);
}

int thread_begin_scope(int number, uint64_t cookie, const struct account *account, bool by_accept)
{
    int result;

    /*
     * The state first: a signal that waited for the switch may jump out of here (siglongjmp), and
     * what the thread has must not be less than what it believes.
     */
    thread_state.acting = ACTING_PEER;
    thread_state.account = account->uid;
    thread_state.cookie = cookie;
    thread_state.number = number;
    thread_state.began_by_accept = by_accept;
    thread_state.has_read = !by_accept;
    thread_state.has_answered = false;
    thread_state.sender = (struct sender){.uid = (uid_t)-1};
    do
        thread_state.serial = __atomic_add_fetch(&process.last_serial, 1, __ATOMIC_RELAXED);
    while (thread_state.serial == 0);
    result = credentials_enter(account);
    if (result < 0)
        thread_state.acting = ACTING_GROUND;
    return result;
}

void thread_end_scope(void)
{
    if (!thread_in_scope() || !thread_is_own())
        return;
    thread_state.has_answered = false;
    thread_state.cookie = 0; /* the next read of it begins a scope anew, whatever happens here */
    credentials_ground();
    thread_state.acting = ACTING_GROUND;
}

static void report_serving(void)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_SERVING,
        .account_uid = credentials_ground_uid()};

    channel_report(&request);
}

/* Unless it gave up root by itself: then its files are its own already. */
static void give_scratch(void)
{
    const struct settings *settings = &process.settings;

    if ((uid_t)kernel_call(SYS_geteuid, 0, 0, 0, 0, 0, 0) != credentials_base()->uid)
        return;
    if (settings->ground == GROUND_NONE)
        scratch_give(settings->guard_uid, settings->guard_gid);
    else if (settings->ground == GROUND_ACCOUNT)
        scratch_give(settings->ground_account.uid, settings->ground_account.gid);
}

/* Once. No handler may jump out of this: others wait for its end. */
static void lower(void)
{
    uint64_t signals = signals_block();
    int result;

    give_scratch();
    result = credentials_begin_serving(&process.settings);
    if (result < 0)
        credentials_die(-result);
    channel_set_inheritable(false);
    if (credentials_ground_is_chosen()) {
        process.own_uid = credentials_ground_uid();
        process.own_gid = credentials_ground_gid();
    }
    __atomic_store_n(&process.serving, SERVING, __ATOMIC_RELEASE);
    __atomic_add_fetch(&process.epoch, 1, __ATOMIC_RELEASE);
    kernel_call(SYS_futex, (long)&process.serving, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
    thread_catch_up();
    signals_restore(signals);
    report_serving();
}

void process_begin_serving(void)
{
    uint32_t state = SERVING_NOT_YET;

    root_tell_denials();
    if (!process.scopes || __atomic_load_n(&process.serving, __ATOMIC_ACQUIRE) == SERVING)
        return;
    if (!credentials_still_have_key())
        return;
    if (__atomic_compare_exchange_n(&process.serving, &state, SERVING_LOWERING, false,
            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        lower();
        return;
    }
    while (__atomic_load_n(&process.serving, __ATOMIC_ACQUIRE) == SERVING_LOWERING)
        kernel_call(
            SYS_futex, (long)&process.serving, FUTEX_WAIT_PRIVATE, SERVING_LOWERING, 0, 0, 0);
    thread_check();
}

void thread_is_event_loop(void)
{
    thread_state.is_loop = true;
    thread_end_scope();
}

void process_report_loop(void)
{
    struct request request = {
        .magic = PROTOCOL_MAGIC, .kind = REQUEST_EVENT, .event = EVENT_EVENT_LOOP};

    if (!__atomic_exchange_n(&process.reported_loop, true, __ATOMIC_RELAXED))
        channel_report(&request);
}

/*
 * Of a directory with one directory for each thread (proc_pid_task(5)) the link count tells how
 * many there are. 0 without /proc.
 */
unsigned process_count_threads(void)
{
    struct stat status;

    if (kernel_call(SYS_newfstatat, AT_FDCWD, (long)"/proc/self/task", (long)&status, 0, 0, 0) < 0)
        return 0;
    return (unsigned)status.st_nlink - 2;
}
