#include "credentials/outside.h"

#include "cleanup.h"
#include "credentials/tracee.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

enum { KEY = 1u << CAP_SETUID | 1u << CAP_SETGID };
enum { STATUS_SIZE = 32768 }; /* 1,024 groups of ten digits, and the rest */

/* ---- what a task has ------------------------------------------------------------------------- */

struct standing {
    char state;
    uint32_t uids[4], gids[4]; /* real, effective, saved, of the file system */
    uint64_t inheritable, permitted, effective, ambient;
    uint64_t ignored;     /* signals */
    unsigned group_count; /* may be more than are here */
    gid_t groups[ACCOUNT_MAX_GROUPS];
};

static void take_numbers(const char *text, uint32_t numbers[4])
{
    for (int i = 0; i < 4; i++) {
        char *end;

        numbers[i] = (uint32_t)strtoul(text, &end, 10);
        text = end;
    }
}

static void take_groups(const char *text, struct standing *standing)
{
    for (;;) {
        char *end;
        unsigned long group = strtoul(text, &end, 10);

        if (end == text)
            return;
        if (standing->group_count < ACCOUNT_MAX_GROUPS)
            standing->groups[standing->group_count] = (gid_t)group;
        standing->group_count++;
        text = end;
    }
}

/* One line of status, "Name:\tvalue". The first, the name, cannot hold a line of its own. */
static void take_line(const char *line, struct standing *standing)
{
    static const struct {
        const char *name;
        size_t offset;
    } sets[] = {{"SigIgn:\t", offsetof(struct standing, ignored)},
        {"CapInh:\t", offsetof(struct standing, inheritable)},
        {"CapPrm:\t", offsetof(struct standing, permitted)},
        {"CapEff:\t", offsetof(struct standing, effective)},
        {"CapAmb:\t", offsetof(struct standing, ambient)}};

    if (strncmp(line, "State:\t", 7) == 0)
        standing->state = line[7];
    else if (strncmp(line, "Uid:\t", 5) == 0)
        take_numbers(line + 5, standing->uids);
    else if (strncmp(line, "Gid:\t", 5) == 0)
        take_numbers(line + 5, standing->gids);
    else if (strncmp(line, "Groups:\t", 8) == 0)
        take_groups(line + 8, standing);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strncmp(line, sets[i].name, 8) == 0)
            *(uint64_t *)((char *)standing + sets[i].offset) = strtoull(line + 8, NULL, 16);
    }
}

/* 0, -ESRCH if it has ended, or -errno. What is not found is as if nothing could be sealed. */
static int read_standing(pid_t pid, pid_t tid, struct standing *standing)
{
    static char text[STATUS_SIZE];
    char path[64], *line, *rest = text;
    size_t length = 0;
    ssize_t size;
    cleanup_descriptor int file = -1;

    *standing = (struct standing){.uids = {-1U, -1U, -1U, -1U}, .gids = {-1U, -1U, -1U, -1U}};
    standing->inheritable = standing->ambient = ~(uint64_t)0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
    file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    if (file < 0)
        return file == -ENOENT ? -ESRCH : file;
    while ((size = kernel_read(file, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)size;
    if (size < 0)
        return (int)size;
    text[length] = '\0';
    while ((line = strsep(&rest, "\n")))
        take_line(line, standing);
    return standing->state == 'Z' || standing->state == 'X' ? -ESRCH : 0;
}

static bool are_all(const uint32_t ids[4], uint32_t id)
{
    return ids[0] == id && ids[1] == id && ids[2] == id && ids[3] == id;
}

static int compare(const void *a, const void *b)
{
    gid_t left = *(const gid_t *)a, right = *(const gid_t *)b;

    return (left > right) - (left < right);
}

/* The kernel keeps them sorted. */
static bool are_groups(struct standing *standing, const struct account *account)
{
    gid_t wanted[ACCOUNT_MAX_GROUPS];
    unsigned count = account->group_count;

    if (standing->group_count != count || count > ACCOUNT_MAX_GROUPS)
        return false;
    memcpy(wanted, account->groups, count * sizeof wanted[0]);
    qsort(wanted, count, sizeof wanted[0], compare);
    qsort(standing->groups, count, sizeof wanted[0], compare);
    return memcmp(standing->groups, wanted, count * sizeof wanted[0]) == 0;
}

static bool is_sealed(struct standing *standing, const struct account *account)
{
    bool powerless = standing->inheritable == 0 && standing->permitted == 0 &&
                     standing->effective == 0 && standing->ambient == 0;

    return are_all(standing->uids, account->uid) && are_all(standing->gids, account->gid) &&
           are_groups(standing, account) && (powerless || account->uid == 0);
}

int credentials_task_is_sealed(pid_t pid, pid_t tid, const struct account *account)
{
    struct standing standing;
    int error = read_standing(pid, tid, &standing);

    if (error < 0)
        return error;
    return is_sealed(&standing, account) ? 0 : -ESTALE;
}

/* ---- sealing --------------------------------------------------------------------------------- */

enum { MAX_CALLS = 10 };

/* What lies in the task's own memory. */
struct script {
    struct tracee_call calls[MAX_CALLS];
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct raised[2], none[2];
    gid_t groups[ACCOUNT_MAX_GROUPS];
};

/* The calls that are being written down, and which errors of each are none. */
struct writing {
    struct script script;
    uintptr_t place; /* of the script, in the task */
    size_t count;
    int tolerated[MAX_CALLS][2];
};

#define PLACE(writing, member) ((long)((writing)->place + offsetof(struct script, member)))

static struct tracee_call *add(struct writing *writing, long number, long a, long b, long c)
{
    struct tracee_call *call = &writing->script.calls[writing->count++];

    *call = (struct tracee_call){.number = number, .arguments = {a, b, c}};
    return call;
}

static void tolerate(struct writing *writing, int error, int other)
{
    writing->tolerated[writing->count - 1][0] = error;
    writing->tolerated[writing->count - 1][1] = other;
}

static struct __user_cap_data_struct half_of(const struct standing *standing, int half)
{
    int shift = 32 * half;

    return (struct __user_cap_data_struct){
        .effective = (uint32_t)((standing->effective | KEY) >> shift),
        .permitted = (uint32_t)(standing->permitted >> shift),
        .inheritable = (uint32_t)(standing->inheritable >> shift)};
}

static void write_ids(struct writing *writing, const struct account *account)
{
    long uid = (long)account->uid, gid = (long)account->gid;

    add(writing, SYS_capset, PLACE(writing, header), PLACE(writing, raised), 0);
    add(writing, SYS_setgroups, (long)account->group_count, PLACE(writing, groups), 0);
    add(writing, SYS_setresgid, gid, gid, gid);
    add(writing, SYS_setresuid, uid, uid, uid);
}

/* KEEP_CAPS may be locked; it is without effect once there is nothing to keep. */
static void write_drop(struct writing *writing)
{
    add(writing, SYS_prctl, PR_SET_KEEPCAPS, 0, 0);
    tolerate(writing, -EPERM, 0);
    add(writing, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
    add(writing, SYS_capset, PLACE(writing, header), PLACE(writing, none), 0);
}

/*
 * A change of ids clears the parent-death signal: it is read first, into the second argument of the
 * last call, which sets it again. A kernel or a container without keys has no keyring to leave.
 */
static void write_script(
    struct writing *writing, const struct standing *standing, const struct account *account)
{
    struct tracee_call *read_signal = add(writing, SYS_prctl, PR_GET_PDEATHSIG, 0, 0);

    writing->script.header.version = _LINUX_CAPABILITY_VERSION_3;
    writing->script.raised[0] = half_of(standing, 0);
    writing->script.raised[1] = half_of(standing, 1);
    memcpy(writing->script.groups, account->groups, account->group_count * sizeof(gid_t));
    write_ids(writing, account);
    if (account->uid != 0)
        write_drop(writing);
    add(writing, SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0 /* a new one */, 0);
    tolerate(writing, -ENOSYS, -EPERM);
    read_signal->arguments[1] = PLACE(writing, calls) +
                                (long)(writing->count * sizeof(struct tracee_call)) +
                                (long)offsetof(struct tracee_call, arguments[1]);
    add(writing, SYS_prctl, PR_SET_PDEATHSIG, 0, 0);
}

static int judge(const struct writing *writing)
{
    for (size_t i = 0; i < writing->count; i++) {
        const struct tracee_call *call = &writing->script.calls[i];

        /* No result but a keyring's number is positive. */
        if (call->result < 0 && call->result != writing->tolerated[i][0] &&
            call->result != writing->tolerated[i][1])
            return (int)call->result;
    }
    return 0;
}

static int change(
    struct tracee *tracee, const struct standing *standing, const struct account *account)
{
    struct writing writing = {0};
    size_t size = offsetof(struct script, groups) + account->group_count * sizeof(gid_t);
    bool trap_is_ignored = (standing->ignored & (uint64_t)1 << (SIGTRAP - 1)) != 0;
    int error = tracee_borrow(tracee, size);

    if (error < 0)
        return error;
    writing.place = tracee->loan;
    write_script(&writing, standing, account);
    error = tracee_run(
        tracee, &writing.script, size, trap_is_ignored, writing.script.calls, writing.count);
    return error < 0 ? error : judge(&writing);
}

bool credentials_task_waits(pid_t tid)
{
    return tracee_waits(tid);
}

int credentials_seal_task(pid_t tid, const struct account *account)
{
    struct standing standing;
    struct tracee tracee;
    int result, end;

    if (account->uid == (uid_t)-1 || account->gid == (gid_t)-1)
        return -EPERM;
    if (account->group_count > ACCOUNT_MAX_GROUPS)
        return -E2BIG;
    result = read_standing(tid, tid, &standing);
    if (result < 0 || is_sealed(&standing, account))
        return result;
    if ((standing.permitted & KEY) != KEY)
        return -EPERM;
    result = tracee_begin(&tracee, tid);
    if (result == 0)
        result = change(&tracee, &standing, account);
    end = tracee_end(&tracee);
    return result < 0 ? result : end;
}
