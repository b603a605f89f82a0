/*
 * transparent_processes.c: what a server starts, what it hears of it, and how it asks for files and
 * ids. Its children are its own: it has no other, and they get the environment they were given.
 */
#include "transparent.h"

#include <grp.h>
#include <spawn.h>

/* What argv and envp want, from literals: POSIX promises that they are not written to. */
#define LIST(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})

static void read_all(int descriptor, char *text, size_t size)
{
    size_t length = 0;
    ssize_t count;
    while ((count = read(descriptor, text + length, size - 1 - length)) > 0)
        length += (size_t)count;
    text[length] = '\0';
}

static void system_reports_the_status(void **state)
{
    (void)state;
    assert_true(system(NULL) != 0);
    assert_int_equal(system("exit 3"), 3 << 8);
    assert_int_equal(system("kill -TERM $$"), SIGTERM);
    assert_int_equal(system("wsapeer-no-such-program 2>/dev/null"), 127 << 8);
}

static void popen_reads_writes_and_reports_the_status(void **state)
{
    (void)state;
    char text[64];
    FILE *output = popen("echo said; exit 5", "r");
    assert_non_null(output);
    assert_non_null(fgets(text, sizeof text, output));
    assert_string_equal(text, "said\n");
    assert_int_equal(pclose(output), 5 << 8);
    FILE *input = popen("read word; test \"$word\" = heard", "we");
    assert_non_null(input);
    assert_true(fcntl(fileno(input), F_GETFD) & FD_CLOEXEC);
    fputs("heard\n", input);
    assert_int_equal(pclose(input), 0);
    assert_null(popen("true", "x"));
    assert_int_equal(errno, EINVAL);
}

static int spawn_shell(const char *command, int output)
{
    posix_spawn_file_actions_t actions;
    char *const *arguments = LIST("sh", "-c", command);
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclose(&actions, 2);
    assert_int_equal(posix_spawn(&child, "/bin/sh", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void posix_spawn_acts_on_files(void **state)
{
    (void)state;
    int ends[2];
    char text[64];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int status = spawn_shell("read nothing; echo here; test ! -e /proc/self/fd/2", ends[1]);
    close(ends[1]);
    read_all(ends[0], text, sizeof text);
    close(ends[0]);
    assert_int_equal(status, 0);
    assert_string_equal(text, "here\n");
}

/* cat(1), unlike a shell, leaves the signals that it was started with as they are. */
static void report_of_spawned(const posix_spawnattr_t *attributes, char *text, size_t size)
{
    char *const *arguments = LIST("cat", "/proc/self/stat", "/proc/self/status");
    posix_spawn_file_actions_t actions;
    int ends[2], status;
    pid_t child;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    assert_int_equal(posix_spawnp(&child, "cat", &actions, attributes, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    read_all(ends[0], text, size);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static unsigned long long mask_in(const char *report, const char *name)
{
    const char *line = strstr(report, name);
    assert_non_null(line);
    return strtoull(line + strlen(name), NULL, 16);
}

static void posix_spawn_obeys_its_attributes(void **state)
{
    (void)state;
    static char report[8192];
    posix_spawnattr_t attributes;
    sigset_t signals;
    int pid, group;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    posix_spawnattr_setsigmask(&attributes, &signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setpgroup(&attributes, 0);
    signal(SIGUSR1, SIG_IGN);
    report_of_spawned(&attributes, report, sizeof report);
    signal(SIGUSR1, SIG_DFL);
    posix_spawnattr_destroy(&attributes);
    assert_int_equal(sscanf(report, "%d (cat) %*c %*d %d", &pid, &group), 2);
    assert_int_equal(pid, group);
    assert_true(mask_in(report, "SigBlk:") == 1ULL << (SIGUSR1 - 1));
    assert_false(mask_in(report, "SigIgn:") & 1ULL << (SIGUSR1 - 1));
}

static void posix_spawn_reports_what_is_missing(void **state)
{
    (void)state;
    char *const *arguments = LIST("x");
    pid_t child;
    errno = E2BIG;
    assert_int_equal(posix_spawn(&child, "/no/such", NULL, NULL, arguments, environ), ENOENT);
    assert_int_equal(posix_spawnp(&child, "no-such-x", NULL, NULL, arguments, environ), ENOENT);
    assert_int_equal(posix_spawn(&child, "/etc/passwd", NULL, NULL, arguments, environ), EACCES);
    assert_int_equal(posix_spawnp(&child, "true", NULL, NULL, arguments, environ), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Each exec in a child of its own; a failed one returns with the kernel's error. */
static void executes(struct fixture *fixture)
{
    (void)fixture;
    char *const *arguments = LIST("sh", "-c", "exit 9"), *const *empty = LIST(NULL);
    int shell = open("/bin/sh", O_RDONLY | O_CLOEXEC), status;
    MUST(execl("/no/such", "x", NULL) == -1 && errno == ENOENT);
    MUST(execvp("no-such-x", arguments) == -1 && errno == ENOENT);
    MUST(execv("/etc/passwd", arguments) == -1 && errno == EACCES);
    for (int how = 0; how < 7; how++) {
        pid_t child = how == 6 ? vfork() : fork();
        MUST(child >= 0);
        if (child == 0) {
            switch (how) {
            case 0:
                execl("/bin/sh", "sh", "-c", "exit 9", NULL);
                break;
            case 1:
                execlp("sh", "sh", "-c", "exit 9", NULL);
                break;
            case 2:
                execle("/bin/sh", "sh", "-c", "exit 9", NULL, empty);
                break;
            case 3:
                execv("/bin/sh", arguments);
                break;
            case 4:
                execvpe("sh", arguments, empty);
                break;
            case 5:
                fexecve(shell, arguments, environ);
                break;
            default:
                execve("/bin/sh", arguments, environ);
            }
            _exit(1);
        }
        MUST(waitpid(child, &status, 0) == child);
        MUST(status == 9 << 8);
    }
}

static void every_exec_executes(void **state)
{
    in_child(executes, *state);
}

/* Prints what env(1) says in a child that was given exactly `given`; `text` receives it. */
static void environment_of_child(char *const given[], char *text, size_t size)
{
    int ends[2], status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        execve("/usr/bin/env", LIST("env"), given);
        _exit(1);
    }
    close(ends[1]);
    read_all(ends[0], text, size);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The library may pass on to a server's children what it needs itself, and nothing else changes. */
static void is_given_or_the_librarys(const char *line)
{
    if (strcmp(line, "GIVEN=1") != 0 && strcmp(line, "ALSO=two words") != 0 &&
        strncmp(line, "LD_PRELOAD=", 11) != 0 && strncmp(line, "WSAPEER_", 8) != 0)
        fail_msg("the child has %s", line);
}

static void a_child_gets_the_environment_it_was_given(void **state)
{
    (void)state;
    static char text[65536];
    char *rest;
    environment_of_child(LIST("GIVEN=1", "ALSO=two words"), text, sizeof text);
    assert_non_null(strstr(text, "GIVEN=1\n"));
    assert_non_null(strstr(text, "ALSO=two words\n"));
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        is_given_or_the_librarys(line);
}

static void a_child_inherits_what_was_set_and_not_what_was_unset(void **state)
{
    (void)state;
    setenv("TRANSPARENT_SET", "yes", 1);
    setenv("TRANSPARENT_UNSET", "no", 1);
    unsetenv("TRANSPARENT_UNSET");
    assert_int_equal(system("test \"$TRANSPARENT_SET\" = yes -a -z \"${TRANSPARENT_UNSET+x}\""), 0);
    unsetenv("TRANSPARENT_SET");
}

/* The library may keep its own in a child, far above those that a program numbers. */
static void a_childs_descriptors_are_those_given(void **state)
{
    (void)state;
    int status =
        system("for i in /proc/self/fd/*; do"
               "  case ${i##*/} in [0-9] | ????*) ;; *) test ${i##*/} -ge 900 || exit 1;; esac;"
               "done");
    assert_int_equal(status, 0);
}

/* Whoever waits for any child must hear of its own alone. */
static void there_is_no_child_but_its_own(void **state)
{
    (void)state;
    int status;
    assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    pid_t child = fork();
    if (child == 0)
        _exit(4);
    assert_int_equal(wait(&status), child);
    assert_int_equal(status, 4 << 8);
    assert_int_equal(wait(&status), -1);
    assert_int_equal(errno, ECHILD);
}

/* access(2) judges by the real ids, eaccess by the effective ones. */
static void judges_access(struct fixture *fixture)
{
    (void)fixture;
    char path[] = "/tmp/transparentXXXXXX";
    const char *directory = getenv("TMPDIR");
    char name[256];
    snprintf(name, sizeof name, "%s/%s", directory ? directory : "/tmp", path + 5);
    int file = mkstemp(name);
    MUST(file >= 0);
    MUST(access(name, R_OK | W_OK) == 0);
    MUST(access(name, X_OK) == -1 && errno == EACCES);
    MUST(access("/no/such", F_OK) == -1 && errno == ENOENT);
    MUST(access(name, 64) == -1 && errno == EINVAL);
    MUST(seteuid(1001) == 0);
    MUST(geteuid() == 1001 && getuid() == 0);
    MUST(access(name, R_OK) == 0);
    MUST(eaccess(name, R_OK) == -1 && errno == EACCES);
    MUST(faccessat(AT_FDCWD, name, R_OK, 0) == 0);
    MUST(faccessat(AT_FDCWD, name, R_OK, AT_EACCESS) == -1 && errno == EACCES);
    MUST(open(name, O_RDONLY) == -1 && errno == EACCES);
    MUST(seteuid(0) == 0);
    MUST(unlink(name) == 0);
    close(file);
}

static void access_judges_by_the_right_ids(void **state)
{
    in_child(judges_access, *state);
}

/* A server that gives up its rights has given them up, and finds that it cannot come back. */
static void gives_up_root(struct fixture *fixture)
{
    uid_t real, effective, saved;
    gid_t group = 1001, groups[8];
    MUST(setgroups(1, &group) == 0);
    MUST(setresgid(1001, 1001, 1001) == 0);
    MUST(setresuid(1001, 1001, 1001) == 0);
    MUST(getresuid(&real, &effective, &saved) == 0);
    MUST(real == 1001 && effective == 1001 && saved == 1001);
    MUST(getgroups(8, groups) == 1 && groups[0] == 1001);
    MUST(setuid(0) == -1 && errno == EPERM);
    MUST(seteuid(0) == -1 && errno == EPERM);
    MUST(setgroups(0, NULL) == -1 && errno == EPERM);
    MUST(open("/etc/shadow", O_RDONLY) == -1 && errno == EACCES);
    int client = connect_to(fixture);
    int connection = accept(fixture->listener, NULL, NULL);
    MUST(connection >= 0);
    MUST(write(client, "x", 1) == 1);
    MUST(read(connection, &(char){0}, 1) == 1);
    MUST(setuid(0) == -1 && errno == EPERM);
}

static void root_that_was_given_up_stays_so(void **state)
{
    in_child(gives_up_root, *state);
}

static void daemonizes(struct fixture *fixture)
{
    int ends[2];
    char said = 0;
    MUST(pipe(ends) == 0);
    pid_t middle = fork();
    MUST(middle >= 0);
    if (middle == 0) {
        MUST(daemon(0, 0) == 0);
        int connection = accept(fixture->listener, NULL, NULL);
        said = connection >= 0 && getsid(0) != getpid() - 1 ? 'd' : 'x';
        _exit(write(ends[1], &said, 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    int client = connect_to(fixture);
    MUST(read(ends[0], &said, 1) == 1);
    MUST(said == 'd');
    close(client);
}

static void a_daemon_serves(void **state)
{
    in_child(daemonizes, *state);
}

int main(void)
{
    closefrom(3); /* whatever the test's caller left open would be taken for the library's */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_child_but_its_own),
        cmocka_unit_test(system_reports_the_status),
        cmocka_unit_test(popen_reads_writes_and_reports_the_status),
        cmocka_unit_test(posix_spawn_acts_on_files),
        cmocka_unit_test(posix_spawn_obeys_its_attributes),
        cmocka_unit_test(posix_spawn_reports_what_is_missing),
        cmocka_unit_test(every_exec_executes),
        cmocka_unit_test(a_child_gets_the_environment_it_was_given),
        cmocka_unit_test(a_child_inherits_what_was_set_and_not_what_was_unset),
        cmocka_unit_test(a_childs_descriptors_are_those_given),
        cmocka_unit_test(access_judges_by_the_right_ids),
        BOTH(root_that_was_given_up_stays_so, open_listener),
        BOTH(a_daemon_serves, open_listener),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
