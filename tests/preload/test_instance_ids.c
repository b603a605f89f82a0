/*
 * test_instance_ids.c: what a sealed instance is told of its ids, and of its files' owners. Runs
 * under `instance_host`, which seals nothing: the tests do it, in children.
 */
#include "transparent.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* As ptrace(2) does it: by calls that no hook sees. */
static void seal_with(int count, const gid_t groups[])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {0};
    MUST(syscall(SYS_setgroups, count, groups) == 0);
    MUST(syscall(SYS_setresgid, 1001, 1001, 1001) == 0);
    MUST(syscall(SYS_setresuid, 1001, 1001, 1001) == 0);
    MUST(syscall(SYS_capset, &header, none) == 0);
}

static void seal(void)
{
    seal_with(0, NULL);
}

/* The key has survived, or the supervisor could not seal it. */
static void raise_key(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct held[2] = {0};
    MUST(syscall(SYS_capget, &header, held) == 0);
    MUST(held[0].permitted == (1u << CAP_SETUID | 1u << CAP_SETGID) && held[0].effective == 0);
    held[0].effective = held[0].permitted;
    MUST(syscall(SYS_capset, &header, held) == 0);
}

static void drops_once_sealed(struct fixture *fixture)
{
    (void)fixture;
    seal();
    MUST(setgroups(0, NULL) == 0);
    MUST(setresgid(33, 33, 33) == 0);
    MUST(seteuid(33) == 0);
    MUST(seteuid(0) == 0); /* it has not given up root */
    MUST(setuid(33) == 0);
    MUST(getuid() == 1001 && geteuid() == 1001 && getgid() == 1001);
    MUST(setuid(0) == -1 && errno == EPERM);
    MUST(setegid(0) == -1 && errno == EPERM);
    MUST(setuid(33) == 0);
}

static void is_sealed_once_dropped(struct fixture *fixture)
{
    (void)fixture;
    MUST(setgid(33) == 0);
    MUST(setuid(33) == 0);
    MUST(getuid() == 33);
    MUST(setuid(0) == -1 && errno == EPERM);
    raise_key();
    seal();
    MUST(setuid(0) == -1 && errno == EPERM);
    MUST(setuid(33) == 0);
    MUST(getuid() == 1001);
}

/* ---- chown(2) and its kin ---------------------------------------------------------------------
 */

enum { SAME = -1, ALICE = 1001, STAFF = 2001 };

/* A file of the account's in a directory of everybody's; errno is what it was. */
static int scratch(char path[64])
{
    snprintf(path, 64, "%s/owner-XXXXXX", getenv("TMPDIR") ?: "/tmp");
    int number = mkostemp(path, O_CLOEXEC);
    MUST(number >= 0 && fchmod(number, 0600) == 0);
    errno = EXDEV;
    return number;
}

static bool is_owned(const char *path, uid_t owner, gid_t group)
{
    struct stat status;
    return lstat(path, &status) == 0 && status.st_uid == owner && status.st_gid == group &&
           errno == EXDEV;
}

static bool is_denied(int result)
{
    bool denied = result == -1 && errno == EPERM;
    errno = EXDEV;
    return denied;
}

static void chowns_its_own(struct fixture *fixture)
{
    (void)fixture;
    seal();
    char path[64];
    int number = scratch(path);
    int bare = open(path, O_PATH | O_CLOEXEC),
        directory = open(getenv("TMPDIR") ?: "/tmp", O_PATH | O_CLOEXEC);
    MUST(chown(path, 0, 0) == 0 && lchown(path, 0, 0) == 0 && fchown(number, 0, 0) == 0);
    MUST(fchownat(AT_FDCWD, path, 0, 0, 0) == 0);
    MUST(fchownat(directory, strrchr(path, '/') + 1, 0, 0, AT_SYMLINK_NOFOLLOW) == 0);
    MUST(fchownat(bare, "", 0, 0, AT_EMPTY_PATH) == 0);
    MUST(fchown(number, 0, SAME) == 0 && fchown(number, SAME, 0) == 0);
    MUST(fchown(number, ALICE, 0) == 0 && fchown(number, 0, ALICE) == 0);
    MUST(is_owned(path, ALICE, ALICE));
    MUST(fchown(bare, 0, 0) == -1 && errno == EBADF);
    MUST(chown("/tmp/nothing/there", 0, 0) == -1 && errno == ENOENT);
    unlink(path);
}

/* What the kernel permits is done. */
static void chowns_as_it_may(struct fixture *fixture)
{
    (void)fixture;
    gid_t staff = STAFF;
    seal_with(1, &staff);
    char path[64];
    int number = scratch(path);
    MUST(fchown(number, SAME, STAFF) == 0);
    MUST(is_owned(path, ALICE, STAFF));
    MUST(fchown(number, 0, 0) == 0 && fchown(number, 0, STAFF) == 0);
    MUST(is_owned(path, ALICE, STAFF));
    MUST(is_denied(fchown(number, 0, ALICE))); /* which it might have, and has not */
    MUST(is_owned(path, ALICE, STAFF));
    unlink(path);
}

/* Somebody else is somebody else, and so is somebody else's file, also behind a link of one's own.
 */
static void chowns_others(struct fixture *fixture)
{
    (void)fixture;
    char others[64], path[64], link[70];
    int other = scratch(others);
    seal();
    int number = scratch(path);
    snprintf(link, sizeof link, "%s-l", path);
    MUST(symlink(others, link) == 0);
    MUST(is_denied(fchown(number, 1002, SAME)) && is_denied(fchown(number, SAME, 1002)));
    MUST(is_denied(fchown(number, 0, 1002)) && is_denied(fchown(number, 1002, 0)));
    MUST(is_owned(path, ALICE, ALICE));
    MUST(is_denied(fchown(other, 0, 0)) && is_denied(chown(others, 0, 0)));
    MUST(is_denied(chown(link, 0, 0)) && is_denied(fchown(other, ALICE, ALICE)));
    MUST(lchown(link, 0, 0) == 0);
    MUST(is_owned(link, ALICE, ALICE) && is_owned(others, 0, 0));
    unlink(link);
    unlink(path);
}

/* It is told the truth until it is sealed, and what it gave up is not its own afterwards. */
static void chowns_once_dropped(struct fixture *fixture)
{
    (void)fixture;
    char early[64], path[64];
    int number = scratch(early);
    MUST(fchown(number, ALICE, 33) == 0 && is_owned(early, ALICE, 33));
    MUST(setgid(33) == 0 && setuid(33) == 0);
    number = scratch(path);
    MUST(is_denied(fchown(number, 0, 0)) && is_denied(fchown(number, ALICE, SAME)));
    raise_key();
    seal();
    number = scratch(path);
    MUST(fchown(number, 33, 33) == 0 && is_owned(path, ALICE, ALICE));
    MUST(is_denied(fchown(number, 0, 33)) && is_denied(fchown(number, 33, 0)));
    unlink(path);
}

static void chowns_once_it_believes_to_have_dropped(struct fixture *fixture)
{
    (void)fixture;
    seal();
    char path[64];
    int number = scratch(path);
    MUST(setegid(34) == 0);
    errno = EXDEV;
    MUST(fchown(number, 0, 34) == 0 && fchown(number, 0, 0) == 0 && is_owned(path, ALICE, ALICE));
    MUST(setegid(0) == 0);
    MUST(is_denied(fchown(number, 0, 34)));
    MUST(fchown(number, 0, 0) == 0);
    MUST(setgid(33) == 0 && setuid(33) == 0);
    errno = EXDEV;
    MUST(fchown(number, 33, 33) == 0 && is_owned(path, ALICE, ALICE));
    MUST(is_denied(fchown(number, 0, 0)));
    unlink(path);
}

/* A parent that stays root makes its workers' files theirs, before it is sealed and after. */
static void chowns_for_its_workers(struct fixture *fixture)
{
    (void)fixture;
    char path[64];
    pid_t worker = fork();
    int status;
    if (worker == 0) {
        MUST(setgroups(0, NULL) == 0 && setgid(33) == 0 && setuid(33) == 0);
        _exit(0);
    }
    MUST(waitpid(worker, &status, 0) == worker && status == 0);
    seal();
    int number = scratch(path);
    MUST(fchown(number, 33, 33) == 0 && fchown(number, 0, 33) == 0 && fchown(number, 0, 0) == 0);
    MUST(is_owned(path, ALICE, ALICE));
    MUST(is_denied(fchown(number, 34, 33)) && is_denied(fchown(number, 33, 34)));
    unlink(path);
}

static void what_a_sealed_instance_owns_may_be_its_own(void **state)
{
    (void)state;
    in_child(chowns_its_own, NULL);
    in_child(chowns_as_it_may, NULL);
    in_child(chowns_for_its_workers, NULL);
}

static void what_is_another_ones_stays_so(void **state)
{
    (void)state;
    in_child(chowns_others, NULL);
}

static void what_was_given_up_is_not_ones_own(void **state)
{
    (void)state;
    in_child(chowns_once_dropped, NULL);
    in_child(chowns_once_it_believes_to_have_dropped, NULL);
}

static void a_sealed_worker_may_drop_root(void **state)
{
    (void)state;
    in_child(drops_once_sealed, NULL);
}

static void a_worker_that_dropped_root_can_be_sealed(void **state)
{
    (void)state;
    in_child(is_sealed_once_dropped, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_worker_may_drop_root),
        cmocka_unit_test(a_worker_that_dropped_root_can_be_sealed),
        cmocka_unit_test(what_a_sealed_instance_owns_may_be_its_own),
        cmocka_unit_test(what_is_another_ones_stays_so),
        cmocka_unit_test(what_was_given_up_is_not_ones_own),
    };
    return cmocka_run_group_tests_name("instance-ids", tests, NULL, NULL);
}
