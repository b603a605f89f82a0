/*
 * test_instance_tmp.c: the directory of an instance is private, and can be removed although a
 * hostile user has filled it, and is at it still. Runs in tests/world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "instance_tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 1001, DEEP = 3000, MANY = 6000, SWAPS = 300 };

static char world[PATH_MAX]; /* the world's own TMPDIR */
static char path[PATH_MAX];  /* of the instance */

static int make_for_alice(void **state)
{
    (void)state;
    setenv("TMPDIR", world, 1);
    if (instance_tmp_make(7, path, sizeof path) < 0 || chown(path, ALICE, ALICE) < 0)
        return -1;
    return 0;
}

/* Runs as alice, in her directory; returns when it has ended well. */
static void as_alice(void (*act)(void))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (setresgid(ALICE, ALICE, ALICE) < 0 || setresuid(ALICE, ALICE, ALICE) < 0 ||
            chdir(path) < 0)
            _exit(1);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_gone(void)
{
    char outer[PATH_MAX];

    strcpy(outer, path);
    *strrchr(outer, '/') = '\0';
    return access(outer, F_OK) < 0 && errno == ENOENT;
}

static void assert_removed(void)
{
    instance_tmp_remove(path);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    assert_true(is_gone());
}

static void make_file(const char *name)
{
    int file = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (file < 0)
        _exit(1);
    close(file);
}

static void it_is_private_and_cannot_be_moved(void **state)
{
    char outer[PATH_MAX], other[PATH_MAX + 8];
    struct stat status;

    (void)state;
    assert_int_equal(strncmp(path, world, strlen(world)), 0);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0700);
    strcpy(outer, path);
    *strrchr(outer, '/') = '\0';
    assert_int_equal(lstat(outer, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0711);
    assert_int_equal(status.st_uid, 0);
    snprintf(other, sizeof other, "%s/other", world);
    assert_int_equal(seteuid(ALICE), 0);
    assert_int_equal(rename(path, other), -1);
    assert_int_equal(rename(outer, other), -1);
    assert_int_equal(rmdir(path), -1);
    assert_int_equal(seteuid(0), 0);
    assert_removed();
}

static void fill(void)
{
    mkdir("d", 0700);
    make_file("d/file");
    make_file("file\n with a line");
    mkdir("empty", 0);
    if (symlink("/etc", "d/link") < 0 || symlink("nowhere", "link") < 0 || mkfifo("fifo", 0) < 0 ||
        link("d/file", "again") < 0)
        _exit(1);
}

static void everything_in_it_goes(void **state)
{
    (void)state;
    as_alice(fill);
    assert_removed();
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void hide(void)
{
    mkdir("closed", 0700);
    mkdir("closed/d", 0700);
    make_file("closed/d/file");
    if (chmod("closed/d", 0) < 0 || chmod("closed", 0) < 0 || chmod(".", 0) < 0)
        _exit(1);
}

static void what_the_user_made_unreadable_goes(void **state)
{
    (void)state;
    as_alice(hide);
    assert_removed();
}

static void dig(void)
{
    int here = open(".", O_RDONLY | O_DIRECTORY);

    for (int i = 0; i < DEEP; i++) {
        int next;

        if (mkdirat(here, "d", 0700) < 0)
            _exit(1);
        next = openat(here, "d", O_RDONLY | O_DIRECTORY);
        close(openat(here, "file", O_CREAT | O_WRONLY, 0600));
        close(here);
        here = next;
    }
}

static void a_deep_tree_goes_with_few_descriptors(void **state)
{
    (void)state;
    as_alice(dig);
    assert_removed();
}

static void litter(void)
{
    char name[16];

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%d", i);
        make_file(name);
    }
}

/* Ends when the child has closed what it inherited, which it does first. */
static void assert_descriptors_are_closed(int *ends)
{
    char byte;

    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void many_files_go_behind_our_back(void **state)
{
    siginfo_t child = {.si_pid = 0};
    int ends[2];

    (void)state;
    as_alice(litter);
    assert_int_equal(pipe(ends), 0);
    instance_tmp_remove(path);
    assert_descriptors_are_closed(ends);
    assert_int_equal(waitid(P_ALL, 0, &child, WEXITED | WNOWAIT), 0);
    assert_true(is_gone());
    assert_false(instance_tmp_is_remover(child.si_pid));
    assert_int_equal(waitpid(child.si_pid, NULL, 0), child.si_pid);
}

/* True if the child could be stopped before its work was done; it is our only one. */
static bool stop_child(pid_t *pid)
{
    siginfo_t child = {.si_pid = 0};
    FILE *children = fopen("/proc/thread-self/children", "r");

    assert_int_equal(fscanf(children, "%d", pid), 1);
    fclose(children);
    kill(*pid, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)*pid, &child, WSTOPPED | WEXITED | WNOWAIT), 0);
    return child.si_code == CLD_STOPPED;
}

static void a_remover_is_known_while_it_removes(void **state)
{
    pid_t remover = -1;
    bool stopped = false;

    (void)state;
    for (int round = 0; round < 100 && !stopped; round++) {
        assert_int_equal(make_for_alice(NULL), 0);
        as_alice(litter);
        instance_tmp_remove(path);
        stopped = stop_child(&remover);
        assert_int_equal(instance_tmp_is_remover(remover), stopped);
        assert_false(instance_tmp_is_remover(getpid()));
        kill(remover, SIGCONT);
        assert_int_equal(waitpid(remover, NULL, 0), remover);
        assert_false(instance_tmp_is_remover(remover));
        assert_true(is_gone());
    }
    assert_true(stopped);
}

/* What is mounted below stays as it is; without it, the rest can go. */
static void assert_mount_stays(const char *source, const char *type, unsigned long flags)
{
    char place[PATH_MAX + 8], file[PATH_MAX + 16];

    snprintf(place, sizeof place, "%s/mount", path);
    snprintf(file, sizeof file, "%s/kept", place);
    assert_int_equal(mkdir(place, 0755), 0);
    assert_int_equal(mount(source, place, type, flags, NULL), 0);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    instance_tmp_remove(path);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(umount2(place, MNT_DETACH), 0);
    assert_removed();
}

static void mounts_are_not_entered(void **state)
{
    char kept[PATH_MAX + 8];

    (void)state;
    assert_mount_stays("none", "tmpfs", 0);
    assert_int_equal(make_for_alice(NULL), 0);
    snprintf(kept, sizeof kept, "%s/bound", world); /* of the same file system */
    assert_int_equal(mkdir(kept, 0755), 0);
    assert_mount_stays(kept, NULL, MS_BIND);
}

/* Alice's directory becomes a link to another's, and a directory again, as fast as can be. */
static pid_t swap_for_ever(const char *victim)
{
    int ready[2];
    char byte;
    pid_t swapper;

    assert_int_equal(pipe(ready), 0);
    swapper = fork();
    if (swapper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(path) < 0 || setresuid(ALICE, ALICE, ALICE) < 0 || mkdir("d", 0700) < 0 ||
            symlink(victim, "link") < 0)
            _exit(1);
        make_file("d/file");
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;) {
            if (renameat2(AT_FDCWD, "d", AT_FDCWD, "link", RENAME_EXCHANGE) < 0 &&
                symlink(victim, "d") < 0)
                symlink(victim, "link");
        }
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return swapper;
}

static void swapping_gets_nothing_else_removed(void **state)
{
    char victim[PATH_MAX + 8], file[PATH_MAX + 16];

    (void)state;
    snprintf(victim, sizeof victim, "%s/victim", world);
    snprintf(file, sizeof file, "%s/file", victim);
    assert_int_equal(mkdir(victim, 0755), 0);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    for (int round = 0; round < SWAPS; round++) {
        pid_t swapper = swap_for_ever(victim);

        instance_tmp_remove(path);
        kill(swapper, SIGKILL);
        waitpid(swapper, NULL, 0);
        assert_int_equal(access(file, F_OK), 0);
        assert_removed();
        assert_int_equal(make_for_alice(NULL), 0);
    }
    assert_removed();
    unlink(file);
    rmdir(victim);
}

static void nothing_else_is_removed(void **state)
{
    char other[PATH_MAX + 16], below[PATH_MAX + 32];

    (void)state;
    snprintf(other, sizeof other, "%s/wsapeer-0-abc", world);
    snprintf(below, sizeof below, "%s/tmp", other);
    assert_int_equal(mkdir(other, 0755), 0);
    assert_int_equal(mkdir(below, 0755), 0);
    instance_tmp_remove(other);
    instance_tmp_remove("");
    instance_tmp_remove("/");
    instance_tmp_remove("tmp");
    instance_tmp_remove("/tmp");
    assert_int_equal(access(below, F_OK), 0);
    assert_int_equal(chown(other, ALICE, ALICE), 0); /* not of our making */
    instance_tmp_remove(below);
    assert_int_equal(access(below, F_OK), 0);
    rmdir(below);
    rmdir(other);
    assert_removed();
    instance_tmp_remove(path);
}

static void a_place_that_others_can_change_is_refused(void **state)
{
    char place[PATH_MAX + 8], below[PATH_MAX + 16], made[PATH_MAX] = "x";

    (void)state;
    assert_removed();
    snprintf(place, sizeof place, "%s/place", world);
    snprintf(below, sizeof below, "%s/below", place);
    assert_int_equal(mkdir(place, 0755), 0);
    assert_int_equal(mkdir(below, 0755), 0);
    setenv("TMPDIR", below, 1);
    assert_int_equal(instance_tmp_make(1, made, sizeof made), 0);
    instance_tmp_remove(made);
    assert_int_equal(chmod(place, 0777), 0);
    assert_int_equal(instance_tmp_make(1, made, sizeof made), -EPERM);
    assert_string_equal(made, "");
    assert_int_equal(chmod(place, 01777), 0);
    assert_int_equal(instance_tmp_make(1, made, sizeof made), 0);
    instance_tmp_remove(made);
    assert_int_equal(chown(place, ALICE, ALICE), 0);
    assert_int_equal(instance_tmp_make(1, made, sizeof made), -EPERM);
    setenv("TMPDIR", "/nonexistent", 1);
    assert_int_equal(instance_tmp_make(1, made, sizeof made), -ENOENT);
    setenv("TMPDIR", "/etc/passwd", 1);
    assert_int_equal(instance_tmp_make(1, made, sizeof made), -ENOTDIR);
    setenv("TMPDIR", world, 1);
    assert_int_equal(instance_tmp_make(1, made, 8), -ENAMETOOLONG);
    rmdir(below);
    rmdir(place);
}

static void without_tmpdir_it_is_tmp(void **state)
{
    (void)state;
    assert_removed();
    unsetenv("TMPDIR");
    assert_int_equal(instance_tmp_make(1, path, sizeof path), 0);
    assert_int_equal(strncmp(path, "/tmp/wsapeer-1-", 15), 0);
    assert_removed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_private_and_cannot_be_moved, make_for_alice),
        cmocka_unit_test_setup(everything_in_it_goes, make_for_alice),
        cmocka_unit_test_setup(what_the_user_made_unreadable_goes, make_for_alice),
        cmocka_unit_test_setup(a_deep_tree_goes_with_few_descriptors, make_for_alice),
        cmocka_unit_test_setup(many_files_go_behind_our_back, make_for_alice),
        cmocka_unit_test(a_remover_is_known_while_it_removes),
        cmocka_unit_test_setup(mounts_are_not_entered, make_for_alice),
        cmocka_unit_test_setup(swapping_gets_nothing_else_removed, make_for_alice),
        cmocka_unit_test_setup(nothing_else_is_removed, make_for_alice),
        cmocka_unit_test_setup(a_place_that_others_can_change_is_refused, make_for_alice),
        cmocka_unit_test_setup(without_tmpdir_it_is_tmp, make_for_alice),
    };

    if (!realpath(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", world))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
