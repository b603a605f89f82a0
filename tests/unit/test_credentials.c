/*
 * test_credentials.c: what the kernel says a thread has, after each step of credentials/. Every
 * test is a child process of its own, because none of these steps can be taken back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "credentials/credentials.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUARD = 61500, ALICE = 1001, BOB = 1002, KEY = 1 << CAP_SETUID | 1 << CAP_SETGID };

static const struct settings none = {.ground = GROUND_NONE, .guard_uid = GUARD, .guard_gid = GUARD};

static const struct account alice = {
    .uid = ALICE, .gid = ALICE, .group_count = 2, .groups = {ALICE, 2001}};
static const struct account bob = {.uid = BOB, .gid = BOB, .group_count = 1, .groups = {BOB}};

/* In the children: no framework, an exit status that is the line. */
static void must(int ok, int line)
{
    if (!ok)
        _exit(line % 250 + 1);
}
#define MUST(condition) must(condition, __LINE__)

static void in_a_child(void (*body)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %x: the failing line is %d modulo 250", status, WEXITSTATUS(status) - 1);
}

static int uids_are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t ids[3];

    getresuid(&ids[0], &ids[1], &ids[2]);
    return ids[0] == real && ids[1] == effective && ids[2] == saved;
}

static int gids_are(gid_t gid)
{
    gid_t ids[3];

    getresgid(&ids[0], &ids[1], &ids[2]);
    return ids[0] == gid && ids[1] == gid && ids[2] == gid;
}

static int groups_are(int count, const gid_t *wanted)
{
    gid_t groups[64];

    return getgroups(64, groups) == count &&
           (count == 0 || memcmp(groups, wanted, (size_t)count * sizeof *groups) == 0);
}

static uint64_t effective_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    syscall(SYS_capget, &header, data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

static int capabilities_are(uint32_t effective, uint32_t permitted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    syscall(SYS_capget, &header, data);
    return data[0].effective == effective && data[0].permitted == permitted &&
           data[1].effective == 0 && data[1].permitted == 0;
}

static void begin(const struct settings *settings)
{
    MUST(credentials_prepare() == 0);
    MUST(credentials_base()->has_key);
    MUST(credentials_begin_serving(settings) == 0);
    credentials_ground();
}

static void ground_owns_nothing_body(void)
{
    begin(&none);
    MUST(uids_are(GUARD, GUARD, GUARD));
    MUST(gids_are(GUARD));
    MUST(groups_are(0, NULL));
    MUST(capabilities_are(0, KEY));
}

static void a_scope_is_guard_peer_guard_body(void)
{
    begin(&none);
    MUST(credentials_enter(&alice) == 0);
    MUST(uids_are(GUARD, ALICE, GUARD));
    MUST(gids_are(ALICE));
    MUST(groups_are(2, alice.groups));
    MUST(capabilities_are(0, KEY));
    MUST(credentials_enter(&bob) == 0); /* directly */
    MUST(uids_are(GUARD, BOB, GUARD));
    MUST(groups_are(1, bob.groups));
    credentials_ground();
    ground_owns_nothing_body();
}

static void nobody_becomes_root_or_unchanged_body(void)
{
    struct account root = {.uid = 0, .gid = 0}, unchanged = alice, no_group = alice;

    unchanged.uid = (uid_t)-1;
    no_group.gid = (gid_t)-1;
    begin(&none);
    MUST(credentials_enter(&alice) == 0);
    MUST(credentials_enter(&root) == -EPERM);
    MUST(uids_are(GUARD, GUARD, GUARD));
    MUST(credentials_enter(&unchanged) == -EPERM);
    MUST(credentials_enter(&no_group) == -EPERM);
    MUST(uids_are(GUARD, GUARD, GUARD));
}

static void raw_calls_lead_nowhere_body(void)
{
    gid_t root = 0;

    begin(&none);
    MUST(credentials_enter(&alice) == 0);
    MUST(syscall(SYS_setuid, 0) < 0 && errno == EPERM);
    MUST(syscall(SYS_setresuid, 0, 0, 0) < 0 && errno == EPERM);
    MUST(syscall(SYS_setresuid, BOB, BOB, BOB) < 0 && errno == EPERM);
    MUST(syscall(SYS_setgroups, 1, &root) < 0 && errno == EPERM);
    MUST(syscall(SYS_setresgid, 0, 0, 0) < 0 && errno == EPERM);
}

static void a_seal_is_for_good_body(void)
{
    begin(&none);
    MUST(credentials_enter(&alice) == 0);
    MUST(credentials_seal(BOB) == -EPERM);
    MUST(credentials_seal(0) == -EPERM);
    MUST(credentials_seal(ALICE) == 0);
    MUST(uids_are(ALICE, ALICE, ALICE));
    MUST(gids_are(ALICE));
    MUST(groups_are(2, alice.groups));
    MUST(capabilities_are(0, 0));
    MUST(prctl(PR_GET_KEEPCAPS) == 0);
    MUST(credentials_seal(ALICE) == 0);
    MUST(syscall(SYS_setresuid, GUARD, GUARD, GUARD) < 0);
}

static void what_the_server_chose_is_its_ground_body(void)
{
    gid_t groups[] = {33, 4};

    MUST(credentials_prepare() == 0);
    MUST(setgroups(2, groups) == 0 && setgid(33) == 0 && setuid(33) == 0);
    credentials_after_own_change();
    MUST(capabilities_are(0, KEY));
    MUST(setuid(0) < 0);
    MUST(credentials_begin_serving(&none) == 0);
    credentials_ground();
    MUST(credentials_ground_is_chosen());
    MUST(uids_are(33, 33, 33));
    MUST(credentials_enter(&alice) == 0);
    MUST(uids_are(33, ALICE, 33));
    credentials_ground();
    MUST(groups_are(2, (gid_t[]){33, 4}) || groups_are(2, (gid_t[]){4, 33}));
}

static void base_as_ground_comes_back_whole_body(void)
{
    struct settings settings = none;

    settings.ground = GROUND_BASE;
    begin(&settings);
    MUST(uids_are(0, 0, 0));
    MUST(credentials_enter(&alice) == 0);
    MUST(uids_are(GUARD, ALICE, GUARD));
    MUST(syscall(SYS_setuid, 0) < 0);
    credentials_ground();
    MUST(uids_are(0, 0, 0));
    MUST(chown("/", 0, 0) == 0);
    MUST(sethostname("world", 5) == 0);
}

static void *report_uids(void *pair)
{
    int *ends = pair;
    char byte;

    MUST(read(ends[0], &byte, 1) == 1);
    MUST(uids_are(GUARD, GUARD, GUARD));
    MUST(effective_capabilities() == 0);
    return NULL;
}

static void every_thread_is_lowered_body(void)
{
    pthread_t thread;
    int ends[2];

    MUST(pipe(ends) == 0);
    MUST(credentials_prepare() == 0);
    MUST(pthread_create(&thread, NULL, report_uids, ends) == 0);
    MUST(credentials_begin_serving(&none) == 0);
    MUST(write(ends[1], "x", 1) == 1);
    MUST(pthread_join(thread, NULL) == 0);
}

static void a_death_signal_outlives_a_switch_body(void)
{
    int signal = 0;

    begin(&none);
    MUST(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
    credentials_note_death_signal(SIGUSR1);
    MUST(credentials_enter(&alice) == 0);
    MUST(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGUSR1);
}

static void a_lost_key_ends_the_process_body(void)
{
    int status;
    pid_t child;

    begin(&none);
    MUST(credentials_enter(&alice) == 0);
    child = fork();
    if (child == 0) {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct no_caps[2] = {{0}};

        syscall(SYS_capset, &header, no_caps);
        credentials_ground();
        _exit(0);
    }
    MUST(waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 125);
}

static void an_unknown_change_is_noticed_body(void)
{
    begin(&none);
    MUST(credentials_enter(&alice) == 0);
    MUST(credentials_verify() == 0);
    MUST(syscall(SYS_setresuid, -1, GUARD, -1) == 0);
    MUST(credentials_verify() == -ESTALE);
}

#define CHILD_TEST(name)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        in_a_child(name##_body);                                                                   \
    }

CHILD_TEST(ground_owns_nothing)
CHILD_TEST(a_scope_is_guard_peer_guard)
CHILD_TEST(nobody_becomes_root_or_unchanged)
CHILD_TEST(raw_calls_lead_nowhere)
CHILD_TEST(a_seal_is_for_good)
CHILD_TEST(what_the_server_chose_is_its_ground)
CHILD_TEST(base_as_ground_comes_back_whole)
CHILD_TEST(every_thread_is_lowered)
CHILD_TEST(a_death_signal_outlives_a_switch)
CHILD_TEST(a_lost_key_ends_the_process)
CHILD_TEST(an_unknown_change_is_noticed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ground_owns_nothing),
        cmocka_unit_test(a_scope_is_guard_peer_guard),
        cmocka_unit_test(nobody_becomes_root_or_unchanged),
        cmocka_unit_test(raw_calls_lead_nowhere),
        cmocka_unit_test(a_seal_is_for_good),
        cmocka_unit_test(what_the_server_chose_is_its_ground),
        cmocka_unit_test(base_as_ground_comes_back_whole),
        cmocka_unit_test(every_thread_is_lowered),
        cmocka_unit_test(a_death_signal_outlives_a_switch),
        cmocka_unit_test(a_lost_key_ends_the_process),
        cmocka_unit_test(an_unknown_change_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
