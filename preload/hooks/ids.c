/* ids.c: the server's own setuid(2) and its kin, capset(2), prctl(2). The rules are in scope/ids.c.
 */
#include "scope/ids.h"

#include "libc.h"
#include "scope/thread.h"

#include <errno.h>
#include <stdarg.h>

/* The answer that needs no real call: 0, or -1 with EPERM. */
static int without_call(enum ids_answer answer)
{
    if (answer == IDS_PRETEND)
        return 0;
    errno = EPERM;
    return -1;
}

static int with_call(int result)
{
    int saved_errno = errno;

    ids_changed();
    errno = saved_errno;
    return result;
}

int setuid(uid_t uid)
{
    enum ids_answer answer = ids_may_set_users("setuid", 1, &uid);

    return answer == IDS_REAL ? with_call(libc_calls()->setuid(uid)) : without_call(answer);
}

int seteuid(uid_t uid)
{
    enum ids_answer answer = ids_may_set_users("seteuid", 1, &uid);

    return answer == IDS_REAL ? with_call(libc_calls()->seteuid(uid)) : without_call(answer);
}

int setreuid(uid_t real, uid_t effective)
{
    enum ids_answer answer = ids_may_set_users("setreuid", 2, (uid_t[]){real, effective});

    return answer == IDS_REAL ? with_call(libc_calls()->setreuid(real, effective))
                              : without_call(answer);
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    enum ids_answer answer = ids_may_set_users("setresuid", 3, (uid_t[]){real, effective, saved});

    return answer == IDS_REAL ? with_call(libc_calls()->setresuid(real, effective, saved))
                              : without_call(answer);
}

int setgid(gid_t gid)
{
    enum ids_answer answer = ids_may_set_groups("setgid", 1, &gid);

    return answer == IDS_REAL ? libc_calls()->setgid(gid) : without_call(answer);
}

int setegid(gid_t gid)
{
    enum ids_answer answer = ids_may_set_groups("setegid", 1, &gid);

    return answer == IDS_REAL ? libc_calls()->setegid(gid) : without_call(answer);
}

int setregid(gid_t real, gid_t effective)
{
    enum ids_answer answer = ids_may_set_groups("setregid", 2, (gid_t[]){real, effective});

    return answer == IDS_REAL ? libc_calls()->setregid(real, effective) : without_call(answer);
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    enum ids_answer answer = ids_may_set_groups("setresgid", 3, (gid_t[]){real, effective, saved});

    return answer == IDS_REAL ? libc_calls()->setresgid(real, effective, saved)
                              : without_call(answer);
}

/* These two return the old id, and so tell it even when nothing changes. */
int setfsuid(uid_t uid)
{
    if (ids_may_set_users("setfsuid", 1, &uid) == IDS_REAL)
        return libc_calls()->setfsuid(uid);
    return libc_calls()->setfsuid((uid_t)-1);
}

int setfsgid(gid_t gid)
{
    if (ids_may_set_groups("setfsgid", 1, &gid) == IDS_REAL)
        return libc_calls()->setfsgid(gid);
    return libc_calls()->setfsgid((gid_t)-1);
}

int setgroups(size_t count, const gid_t groups[])
{
    return ids_may_set_list() == IDS_REAL ? libc_calls()->setgroups(count, groups) : 0;
}

int initgroups(const char *user, gid_t gid)
{
    return ids_may_set_list() == IDS_REAL ? libc_calls()->initgroups(user, gid) : 0;
}

int capset(cap_user_header_t header, const cap_user_data_t data)
{
    struct __user_cap_data_struct changed[2] = {0};
    enum ids_answer answer;

    if (!header || header->version == _LINUX_CAPABILITY_VERSION_1 || !data)
        return libc_calls()->capset(header, data);
    changed[0] = data[0];
    changed[1] = data[1];
    answer = ids_may_set_capabilities(changed);
    return answer == IDS_REAL ? libc_calls()->capset(header, changed) : without_call(answer);
}

int prctl(int option, ...)
{
    unsigned long arguments[4];
    va_list list;
    int result;

    va_start(list, option);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    if (ids_control(option, &arguments[0], &result))
        return result;
    return libc_calls()->prctl(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}
