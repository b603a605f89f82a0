/* resolver_leave.c: see resolver_beside.h. */
#include "resolver_beside.h"

#include "cleanup.h"
#include "credentials/helper.h"
#include "descriptors.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * What run inherited is the server's: sockets that would stay bound, pipes whose readers wait for
 * their end. Even stderr is ours only if the log goes there, and then the log holds it.
 */
static int leave_descriptors(const struct beside *beside)
{
    int log = event_log_descriptor(beside->plan->log);
    const struct stamp *stamp = beside->plan->stamp;
    int keep[] = {beside->resolver.channel, beside->tie, beside->signals, beside->loading.process,
        log, stamp ? stamp->links[0] : -1, stamp ? stamp->links[1] : -1};
    int error = descriptors_leave_standard(log);

    return error < 0 ? error : descriptors_close_others(keep, sizeof keep / sizeof keep[0]);
}

static int drop_privilege(struct beside *beside)
{
    uid_t helper = beside->plan->helper;

    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return -errno;
    beside->harmless = helper == (uid_t)-1;
    return beside->harmless ? 0 : credentials_become_helper(helper, helper, 1ULL << CAP_KILL);
}

const char *resolver_leave(struct beside *beside, int *error)
{
    *error = chdir("/") < 0 ? -errno : 0;
    if (*error < 0)
        return "go to /";
    *error = leave_descriptors(beside);
    if (*error < 0)
        return "close the server's descriptors";
    *error = drop_privilege(beside);
    return *error < 0 ? "drop its privileges" : NULL;
}
