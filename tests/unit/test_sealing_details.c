/*
 * test_sealing_details.c: what a task has when it was sealed, and who is not sealed. Runs in
 * tests/world.
 */
#include "sealing_tree.h"

#include "sealing.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- details --------------------------------------------------------------------------------- */

static void keep_details(void)
{
    long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), after;
    int death_signal = 0;
    struct sigaction action;

    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    signal(SIGTRAP, SIG_IGN);
    read_pipe();
    after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    MUST(after != before || after < 0);
    MUST(prctl(PR_GET_PDEATHSIG, &death_signal) == 0 && death_signal == SIGUSR2);
    MUST(sigaction(SIGTRAP, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 && prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1);
    MUST(prctl(PR_GET_KEEPCAPS) == 0);
    signal(SIGTRAP, catch_signal);
    give_bytes(tree_pipes.ready[1], 1);
    await_go();
    raise(SIGTRAP);
    MUST(caught == SIGTRAP);
}

static void details(void)
{
    pid_t child = start_to(keep_details, SYS_read);

    MUST(seal() == 1);
    give_bytes(tree_pipes.go[1], 1);
    take_bytes(tree_pipes.ready[0], 1);
    await_call(child, SYS_read);
    MUST(seal() == 1); /* it is alice's already */
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
}

/* As the library leaves a server that serves: nobody's ids, and the key. */
static void be_wrapped(void)
{
    enum { KEY = 1 << CAP_SETUID | 1 << CAP_SETGID };
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{.permitted = KEY, .inheritable = KEY}};

    MUST(prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0);
    MUST(setresgid(GUARD, GUARD, GUARD) == 0 && setresuid(GUARD, GUARD, GUARD) == 0);
    MUST(syscall(SYS_capset, &header, data) == 0);
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0);
    MUST(prctl(PR_SET_KEEPCAPS, 1) == 0);
    read_pipe();
}

static void wrapped_servers(void)
{
    pid_t child = start_to(be_wrapped, SYS_read);

    MUST(seal() == 1);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
}

#if defined(__x86_64__)

/* Memory below the stack pointer is not the stack's alone in every language. */
static void watch_memory(void)
{
    enum { WATCHED = 32768, OWN = 512 };
    char *stack, byte;
    volatile char *end;
    long result;

    __asm__("mov %%rsp, %0" : "=r"(stack));
    end = stack - OWN;
    for (volatile char *at = end - WATCHED; at < end; at++)
        *at = 'w';
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_read), "D"((long)tree_pipes.go[0]), "S"(&byte), "d"(1L)
                     : "rcx", "r11", "memory");
    for (volatile char *at = end - WATCHED; at < end; at++) {
        if (*at != 'w')
            _exit(250);
    }
    MUST(result == 1);
}

static void memory(void)
{
    pid_t child = start_to(watch_memory, SYS_read);

    MUST(seal() == 1);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
}

#endif

static void be_root(void)
{
    await_go();
    MUST(getuid() == 0 && getgroups(0, NULL) == 1 && getgid() == 0);
    MUST(chown("/proc/self/nothing", 1, 1) < 0 && errno == ENOENT);
    MUST(setuid(ALICE) == 0);
}

static void root(void)
{
    static const struct account account = {.group_count = 1, .groups = {0}};
    pid_t child = start_to(be_root, SYS_read);
    char text[256];

    MUST(sealing_seal(&account, NULL, NULL, text, sizeof text) == 0);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void be_carol(void)
{
    prctl(PR_SET_NAME, "carol\nhere");
    MUST(setgid(CAROL) == 0 && setuid(CAROL) == 0);
    await_go();
}

static void the_powerless(void)
{
    pid_t child = start_to(be_carol, SYS_read);
    char text[256], wanted[64];

    MUST(sealing_seal(&alice, NULL, NULL, text, sizeof text) == -EPERM);
    snprintf(wanted, sizeof wanted, "process %d (carol?here) ", (int)child);
    MUST(strncmp(text, wanted, strlen(wanted)) == 0);
}

static void nobody(void)
{
    static const struct account no_uid = {.uid = (uid_t)-1, .gid = ALICE},
                                no_gid = {.uid = ALICE, .gid = (gid_t)-1};
    char text[256];

    start(read_pipe);
    MUST(sealing_seal(&no_uid, NULL, NULL, text, sizeof text) == -EPERM);
    MUST(sealing_seal(&no_gid, NULL, NULL, text, sizeof text) == -EPERM);
}

TREE_TEST(details_are_kept, details)
TREE_TEST(a_wrapped_server_is_sealed, wrapped_servers)
#if defined(__x86_64__)
TREE_TEST(its_memory_is_as_it_was, memory)
#endif
TREE_TEST(root_can_be_an_account, root)
TREE_TEST(who_has_no_power_is_named, the_powerless)
TREE_TEST(nobody_is_no_account, nobody)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_are_kept),
        cmocka_unit_test(a_wrapped_server_is_sealed),
#if defined(__x86_64__)
        cmocka_unit_test(its_memory_is_as_it_was),
#endif
        cmocka_unit_test(root_can_be_an_account),
        cmocka_unit_test(who_has_no_power_is_named),
        cmocka_unit_test(nobody_is_no_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
