/* root.c: see root.h. */
#include "scope/root.h"

#include "account/channel.h"
#include "credentials/credentials.h"
#include "kernel.h"
#include "libc.h"
#include "scope/thread.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct denials {
    uint32_t count, told;
};

static struct denials alone;
static struct denials *denials = &alone;

void root_prepare(void)
{
    long place = kernel_call(
        SYS_mmap, 0, sizeof *denials, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (place > 0 || place <= -4096) /* else no child will tell */
        denials = (struct denials *)place;
    if (process.settings.chroot_ok)
        credentials_offer_root();
}

static void report(const char *help)
{
    struct request request = {.magic = PROTOCOL_MAGIC,
        .kind = REQUEST_EVENT,
        .event = EVENT_NO_ROOT,
        .account_uid = (uid_t)-1};

    strcpy(request.detail, help);
    channel_report(&request);
}

void root_tell_denials(void)
{
    uint32_t count = __atomic_load_n(&denials->count, __ATOMIC_RELAXED);

    if (__builtin_expect(count == __atomic_load_n(&denials->told, __ATOMIC_RELAXED), true) ||
        !process.scopes)
        return;
    if (__atomic_exchange_n(&denials->told, count, __ATOMIC_RELAXED) != count)
        report("--chroot-ok");
}

/* What a process has that serves several peers would be theirs all; the kernel has denied it. */
static void note_denial(void)
{
    int saved_errno = errno;

    if (process.sealed)
        __atomic_add_fetch(&denials->count, 1, __ATOMIC_RELAXED);
    else if (process.scopes && process.serving == SERVING)
        report("--isolate=connection with --chroot-ok");
    errno = saved_errno;
}

int scope_chroot(const char *path)
{
    int result;

    if (process.sealed && process.settings.chroot_ok && credentials_may_change_root()) {
        if (path && strcmp(path, "/") == 0)
            return 0;
        result = credentials_change_root(path);
        if (result < 0)
            errno = -result;
        return result < 0 ? -1 : 0;
    }
    result = libc_calls()->chroot(path);
    if (result < 0 && errno == EPERM && !(process.sealed && process.settings.chroot_ok))
        note_denial();
    return result;
}

void root_stays(void)
{
    if (process.sealed && process.settings.chroot_ok)
        credentials_give_up_root();
}
