#include "account/nss.h"

#include "account/services.h"
#include "cleanup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* A group id that no directory hands out: signed 32-bit stores hold it, no range reaches it. */
enum { GROUP_OF_NOBODY = 0x7ffffffe };

/* An entry of one megabyte is no account: a directory that wants more is taken for broken. */
enum { FIRST_BUFFER = 1024, LAST_BUFFER = 1 << 20 };

struct user {
    struct passwd entry; /* its strings stand in `buffer` */
    char *buffer;
};

static void user_cleanup(struct user *user)
{
    free(user->buffer);
}

#define cleanup_user __attribute__((cleanup(user_cleanup)))

/* By name, or by `uid` if `name` is NULL. */
static enum account_verdict look_up_user(const char *name, uid_t uid, struct user *user, int *error)
{
    for (size_t size = FIRST_BUFFER; size <= LAST_BUFFER; size *= 2) {
        struct passwd *found = NULL;
        char *larger = realloc(user->buffer, size);

        *error = ENOMEM;
        if (larger == NULL)
            return ACCOUNT_DIRECTORY_ERROR;
        user->buffer = larger;
        do {
            *error = name != NULL ? getpwnam_r(name, &user->entry, user->buffer, size, &found)
                                  : getpwuid_r(uid, &user->entry, user->buffer, size, &found);
        } while (*error == EINTR);
        if (*error == ERANGE)
            continue;
        if (*error != 0)
            return ACCOUNT_DIRECTORY_ERROR;
        return found != NULL ? ACCOUNT_SERVED : ACCOUNT_UNKNOWN;
    }
    return ACCOUNT_DIRECTORY_ERROR;
}

/* By name, or by *gid if `name` is NULL; gives the id, and the name if `text` is not NULL. */
static enum account_verdict look_up_group(
    const char *name, gid_t *gid, char *text, size_t text_size, int *error)
{
    cleanup_memory char *buffer = NULL;

    for (size_t size = FIRST_BUFFER; size <= LAST_BUFFER; size *= 2) {
        struct group entry, *found = NULL;
        char *larger = realloc(buffer, size);

        *error = ENOMEM;
        if (larger == NULL)
            return ACCOUNT_DIRECTORY_ERROR;
        buffer = larger;
        do {
            *error = name != NULL ? getgrnam_r(name, &entry, buffer, size, &found)
                                  : getgrgid_r(*gid, &entry, buffer, size, &found);
        } while (*error == EINTR);
        if (*error == ERANGE)
            continue;
        if (*error != 0)
            return ACCOUNT_DIRECTORY_ERROR;
        if (found == NULL)
            return ACCOUNT_UNKNOWN;
        *gid = found->gr_gid;
        if (text != NULL && (size_t)snprintf(text, text_size, "%s", found->gr_name) >= text_size)
            *error = ERANGE;
        return ACCOUNT_SERVED;
    }
    return ACCOUNT_DIRECTORY_ERROR;
}

static unsigned read_overflow_uid(void)
{
    cleanup_descriptor int file = kernel_openat(AT_FDCWD, "/proc/sys/kernel/overflowuid", O_RDONLY);
    char text[16] = "";
    unsigned uid;

    if (file < 0 || kernel_read(file, text, sizeof text - 1) <= 0)
        return 65534;
    return sscanf(text, "%u", &uid) == 1 ? uid : 65534;
}

bool account_uid_is_reserved(uid_t uid)
{
    static bool known;
    static uid_t overflow;

    if (!known) {
        overflow = read_overflow_uid();
        known = true;
    }
    return uid == (uid_t)-1 || uid == overflow;
}

/* Services set errno as they like when all is well; these they set only when something is not. */
static bool errno_means_failure(int error)
{
    switch (error) {
    case EACCES:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ECONNREFUSED:
    case ETIMEDOUT:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return true;
    default:
        return false;
    }
}

/* Does every group service answer? 0, or its errno. */
static int probe_groups(void)
{
    gid_t gid = GROUP_OF_NOBODY;
    int error;

    return look_up_group(NULL, &gid, NULL, 0, &error) == ACCOUNT_DIRECTORY_ERROR ? error : 0;
}

static enum account_verdict list_groups(const char *name, struct account *account, int *error)
{
    int count = ACCOUNT_MAX_GROUPS, listed;

    services_make_strict();
    *error = probe_groups();
    if (*error != 0)
        return ACCOUNT_DIRECTORY_ERROR;
    errno = 0;
    listed = getgrouplist(name, account->gid, account->groups, &count);
    if (errno_means_failure(errno))
        *error = errno;
    else if (listed < 0 && count <= ACCOUNT_MAX_GROUPS)
        *error = ENOMEM;
    else
        *error = probe_groups();
    if (*error != 0)
        return ACCOUNT_DIRECTORY_ERROR;
    if (listed < 0)
        return ACCOUNT_TOO_MANY_GROUPS;

    account->group_count = (unsigned)count;
    for (int i = 0; i < count; i++)
        if (account->groups[i] == (gid_t)-1)
            return ACCOUNT_RESERVED_ID;
    /* getgrouplist puts the account's own group in itself: a list without it is not its list. */
    *error = account_has_group(account, account->gid) ? 0 : EBADMSG;
    return *error == 0 ? ACCOUNT_SERVED : ACCOUNT_DIRECTORY_ERROR;
}

static void forget(struct account *account)
{
    account->uid = (uid_t)-1;
    account->gid = (gid_t)-1;
    account->group_count = 0;
}

static enum account_verdict ids_of_user(const struct user *user, struct account *account)
{
    account->uid = user->entry.pw_uid;
    account->gid = user->entry.pw_gid;
    if (account_uid_is_reserved(account->uid) || account->gid == (gid_t)-1)
        return ACCOUNT_RESERVED_ID;
    return ACCOUNT_SERVED;
}

static enum account_verdict find_account(
    const char *name, uid_t uid, bool with_groups, struct account *account, int *error)
{
    cleanup_user struct user user = {.buffer = NULL};
    enum account_verdict verdict;

    *error = 0;
    forget(account);
    if (name == NULL && account_uid_is_reserved(uid))
        return ACCOUNT_RESERVED_ID;
    verdict = look_up_user(name, uid, &user, error);
    if (verdict == ACCOUNT_SERVED && name == NULL && user.entry.pw_uid != uid) {
        *error = EBADMSG; /* an answer to another question */
        verdict = ACCOUNT_DIRECTORY_ERROR;
    }
    if (verdict == ACCOUNT_SERVED)
        verdict = ids_of_user(&user, account);
    if (verdict == ACCOUNT_SERVED && with_groups)
        verdict = list_groups(user.entry.pw_name, account, error);
    if (verdict != ACCOUNT_SERVED)
        forget(account);
    return verdict;
}

enum account_verdict account_of_uid(uid_t uid, struct account *account, int *error)
{
    return find_account(NULL, uid, true, account, error);
}

enum account_verdict account_of_name(const char *name, struct account *account, int *error)
{
    return find_account(name, (uid_t)-1, true, account, error);
}

enum account_verdict account_ids_of_uid(uid_t uid, gid_t *gid, int *error)
{
    struct account account;
    enum account_verdict verdict = find_account(NULL, uid, false, &account, error);

    if (gid != NULL)
        *gid = account.gid;
    return verdict;
}

enum account_verdict account_ids_of_name(const char *name, uid_t *uid, gid_t *gid, int *error)
{
    struct account account;
    enum account_verdict verdict = find_account(name, (uid_t)-1, false, &account, error);

    *uid = account.uid;
    if (gid != NULL)
        *gid = account.gid;
    return verdict;
}

enum account_verdict account_group_of_name(const char *name, gid_t *gid, int *error)
{
    enum account_verdict verdict = look_up_group(name, gid, NULL, 0, error);

    if (verdict == ACCOUNT_SERVED && *gid == (gid_t)-1)
        verdict = ACCOUNT_RESERVED_ID;
    if (verdict != ACCOUNT_SERVED)
        *gid = (gid_t)-1;
    return verdict;
}

/* For names: 0 or -errno from a verdict. */
static int name_result(enum account_verdict verdict, int error, char *name)
{
    int result = verdict == ACCOUNT_UNKNOWN ? -ENOENT : -error;

    if (result != 0)
        name[0] = '\0';
    return result;
}

int account_user_name(uid_t uid, char *name, size_t size)
{
    cleanup_user struct user user = {.buffer = NULL};
    int error;
    enum account_verdict verdict = look_up_user(NULL, uid, &user, &error);

    if (verdict == ACCOUNT_SERVED && (size_t)snprintf(name, size, "%s", user.entry.pw_name) >= size)
        error = ERANGE;
    return name_result(verdict, error, name);
}

int account_entry_of_uid(uid_t uid, struct account_entry *entry)
{
    cleanup_user struct user user = {.buffer = NULL};
    int error;
    enum account_verdict verdict = look_up_user(NULL, uid, &user, &error);

    if (verdict != ACCOUNT_SERVED)
        return verdict == ACCOUNT_UNKNOWN ? -ENOENT : -error;
    entry->name = user.entry.pw_name;
    entry->home = user.entry.pw_dir;
    entry->shell = user.entry.pw_shell;
    entry->memory = memory_steal(&user.buffer);
    return 0;
}

void account_entry_free(struct account_entry *entry)
{
    free(entry->memory);
    *entry = (struct account_entry){NULL};
}

int account_group_name(gid_t gid, char *name, size_t size)
{
    int error;
    enum account_verdict verdict = look_up_group(NULL, &gid, name, size, &error);

    return name_result(verdict, error, name);
}

bool account_has_group(const struct account *account, gid_t gid)
{
    if (account->gid == gid)
        return true;
    for (unsigned i = 0; i < account->group_count; i++)
        if (account->groups[i] == gid)
            return true;
    return false;
}
