/*
 * nss_wsapeertest.c: a directory for test_nss.c, an NSS module as libc loads them.
 *
 * NSS_TEST in the environment says how it is: "up", or else every answer is "unavailable" with the
 * errno that the variable names as a number. It knows remote (3001, groups 3001 and 3500), many
 * (3002, more groups than are carried), most (3003, exactly as many), minus (uid -1), wheel (3004,
 * gid -1).
 */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

struct known {
    const char *name;
    uid_t uid;
    gid_t gid;
    gid_t groups; /* how many, from 3500 */
};

static const struct known accounts[] = {
    {"remote", 3001, 3001, 1},
    {"many", 3002, 3002, 1024},
    {"most", 3003, 3003, 1023},
    {"wheel", 3004, (gid_t)-1, 1},
    {"minus", (uid_t)-1, 3005, 0},
};

static enum nss_status down(int *error)
{
    const char *state = getenv("NSS_TEST");

    if (state == NULL || strcmp(state, "up") == 0)
        return NSS_STATUS_SUCCESS;
    *error = atoi(state);
    return NSS_STATUS_UNAVAIL;
}

static const struct known *find(const char *name, uid_t uid)
{
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++)
        if (name != NULL ? strcmp(accounts[i].name, name) == 0 : accounts[i].uid == uid)
            return &accounts[i];
    return NULL;
}

static enum nss_status answer(
    const struct known *known, struct passwd *entry, char *buffer, size_t size, int *error)
{
    static char empty[] = "";

    if (known == NULL) {
        *error = ENOENT;
        return NSS_STATUS_NOTFOUND;
    }
    /* As from a directory with long entries: the caller's first buffers are too small. */
    if (size < 10000) {
        *error = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    strcpy(buffer, known->name);
    *entry = (struct passwd){.pw_name = buffer,
        .pw_passwd = empty,
        .pw_uid = known->uid,
        .pw_gid = known->gid,
        .pw_gecos = empty,
        .pw_dir = empty,
        .pw_shell = empty};
    return NSS_STATUS_SUCCESS;
}

EXPORTED enum nss_status _nss_wsapeertest_getpwnam_r(
    const char *name, struct passwd *entry, char *buffer, size_t size, int *error);
EXPORTED enum nss_status _nss_wsapeertest_getpwuid_r(
    uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error);
EXPORTED enum nss_status _nss_wsapeertest_getgrgid_r(
    gid_t gid, struct group *entry, char *buffer, size_t size, int *error);
EXPORTED enum nss_status _nss_wsapeertest_getgrnam_r(
    const char *name, struct group *entry, char *buffer, size_t size, int *error);
EXPORTED enum nss_status _nss_wsapeertest_initgroups_dyn(
    const char *user, gid_t group, long *start, long *size, gid_t **groups, long limit, int *error);

enum nss_status _nss_wsapeertest_getpwnam_r(
    const char *name, struct passwd *entry, char *buffer, size_t size, int *error)
{
    enum nss_status status = down(error);

    return status != NSS_STATUS_SUCCESS ? status
                                        : answer(find(name, 0), entry, buffer, size, error);
}

enum nss_status _nss_wsapeertest_getpwuid_r(
    uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
    enum nss_status status = down(error);

    return status != NSS_STATUS_SUCCESS ? status
                                        : answer(find(NULL, uid), entry, buffer, size, error);
}

static enum nss_status no_group(int *error)
{
    enum nss_status status = down(error);

    if (status == NSS_STATUS_SUCCESS) {
        *error = ENOENT;
        status = NSS_STATUS_NOTFOUND;
    }
    return status;
}

enum nss_status _nss_wsapeertest_getgrgid_r(
    gid_t gid, struct group *entry, char *buffer, size_t size, int *error)
{
    (void)gid, (void)entry, (void)buffer, (void)size;
    return no_group(error);
}

enum nss_status _nss_wsapeertest_getgrnam_r(
    const char *name, struct group *entry, char *buffer, size_t size, int *error)
{
    (void)name, (void)entry, (void)buffer, (void)size;
    return no_group(error);
}

enum nss_status _nss_wsapeertest_initgroups_dyn(
    const char *user, gid_t group, long *start, long *size, gid_t **groups, long limit, int *error)
{
    const struct known *known = find(user, 0);
    enum nss_status status = down(error);

    (void)group, (void)limit;
    if (status != NSS_STATUS_SUCCESS || known == NULL)
        return status != NSS_STATUS_SUCCESS ? status : NSS_STATUS_NOTFOUND;
    for (gid_t i = 0; i < known->groups; i++) {
        if (*start == *size) {
            gid_t *larger = realloc(*groups, 2 * (size_t)*size * sizeof **groups);

            if (larger == NULL)
                return NSS_STATUS_TRYAGAIN;
            *groups = larger;
            *size *= 2;
        }
        (*groups)[(*start)++] = 3500 + i;
    }
    return NSS_STATUS_SUCCESS;
}
