/*
 * test_sealing_look.c: before anything of a tree is sealed it is looked at, and given what is to be
 * its own: while all of it is stopped. Runs in tests/world.
 */
#include "sealing_tree.h"

#include "credentials/outside.h"
#include "keeper_process.h"
#include "process_tree.h"
#include "sealing.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the look -------------------------------------------------------------------------------- */

static int looks;

static int look_at_stopped(void *context)
{
    const pid_t *child = context;
    struct process_state state;

    looks++;
    MUST(process_state(*child, *child, &state) == 0 && state.letter == 't');
    MUST(credentials_task_is_sealed(*child, *child, &alice) == -ESTALE);
    return looks == 2 ? -EPERM : 0;
}

static void look_before_change(void)
{
    char text[256];
    pid_t child = start_to(read_pipe, SYS_read);

    MUST(sealing_seal(&alice, look_at_stopped, &child, text, sizeof text) == 0 && looks == 1);
    give_bytes(tree_pipes.go[1], 1);
    must_end_well(child);
    child = start_to(read_pipe, SYS_read);
    MUST(sealing_seal(&alice, look_at_stopped, &child, text, sizeof text) == -EPERM);
    MUST(looks == 2 && credentials_task_is_sealed(child, child, &alice) == -ESTALE);
}

/* Executes itself anew in its second thread, which then has the number of the first, and so on. */
static void *execute_again(void *argument)
{
    char ready[16];

    snprintf(ready, sizeof ready, "%d", tree_pipes.ready[1]);
    execl("/proc/self/exe", "again", ready, NULL);
    return argument;
}

static int thread_is_stopped(pid_t tid, void *context)
{
    struct process_state state;

    if (process_state(*(const pid_t *)context, tid, &state) == 0)
        MUST(state.letter == 't' || state.letter == 'Z' || state.letter == 'X');
    return 0;
}

static int process_is_stopped(pid_t pid, void *context)
{
    (void)context;
    return process_threads_visit(pid, thread_is_stopped, &pid);
}

static int look_at_all(void *context)
{
    return process_tree_visit(getpid(), process_is_stopped, context);
}

static void execute_without_end(void)
{
    execute_again(NULL);
}

static void look_at_executions(void)
{
    for (int i = 0; i < 8; i++) {
        char text[256];

        start(execute_without_end);
        take_bytes(tree_pipes.ready[0], 3);
        if (sealing_seal(&alice, look_at_all, NULL, text, sizeof text) < 0)
            tree_fail(__FILE__, __LINE__, text);
    }
}

/* ---- what is the server's own ---------------------------------------------------------------- */

static char directory[] = "/tmp/sealing-XXXXXX";

static void work_in_directory(void)
{
    struct stat status;
    uid_t before, after;

    give_bytes(tree_pipes.ready[1], 1);
    do {
        before = getuid();
        MUST(stat(directory, &status) == 0);
        after = getuid();
        MUST(status.st_uid == before || status.st_uid == after);
    } while (after != ALICE);
}

static void gifts(void)
{
    static const struct keeper_given nothing;
    const struct keeper_estate estate = {&nothing, directory, {-1, -1}};
    char text[256];
    struct stat status;
    pid_t worker;

    MUST(mkdtemp(directory));
    worker = start(work_in_directory);
    take_bytes(tree_pipes.ready[0], 1);
    MUST(keeper_seal_below(&estate, &alice, text, sizeof text) == 0);
    MUST(stat(directory, &status) == 0 && status.st_uid == ALICE && status.st_gid == ALICE);
    must_end_well(worker);
    MUST(rmdir(directory) == 0);
}

TREE_TEST(all_is_stopped_and_nothing_changed_for_a_look, look_before_change)
TREE_TEST(all_is_stopped_also_what_executes_programs, look_at_executions)
TREE_TEST(a_directory_is_given_while_all_is_stopped, gifts)

static void be_executed(const char *ready)
{
    pthread_t thread;

    tree_pipes.ready[1] = atoi(ready);
    if (write(tree_pipes.ready[1], "x", 1) == 1 &&
        pthread_create(&thread, NULL, execute_again, NULL) == 0)
        pause();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_stopped_and_nothing_changed_for_a_look),
        cmocka_unit_test(all_is_stopped_also_what_executes_programs),
        cmocka_unit_test(a_directory_is_given_while_all_is_stopped),
    };

    if (argc == 2) {
        be_executed(argv[1]);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
