/* test_notify.c: the protocol of sd_notify(3), over real sockets. Runs in tests/world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "notify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ALICE = 1001 };

static char path[108];

static void fill(struct sockaddr_un *address, socklen_t *length, const char *name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(address->sun_path, name);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (*name == '/'));
    if (*name == '@')
        address->sun_path[0] = '\0';
}

/* The service manager's end; NOTIFY_SOCKET is set to its name. */
static int open_manager(const char *name)
{
    struct sockaddr_un address;
    socklen_t length;
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    fill(&address, &length, name);
    unlink(name);
    assert_int_equal(bind(manager, (struct sockaddr *)&address, length), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return manager;
}

static void assert_told(int manager, const char *expected)
{
    char message[4096];
    ssize_t length = recv(manager, message, sizeof message - 1, 0);

    assert_true(length >= 0);
    message[length] = '\0';
    assert_string_equal(message, expected);
}

static void everything_is_said_to(const char *name)
{
    cleanup_descriptor int manager = open_manager(name);

    assert_true(notify_open());
    assert_null(getenv("NOTIFY_SOCKET"));
    notify_ready();
    assert_told(manager, "READY=1\n");
    notify_stopping();
    assert_told(manager, "STOPPING=1\n");
    notify_status("%u accounts", 3);
    assert_told(manager, "STATUS=3 accounts\n");
    notify_status("alice\nREADY=1");
    assert_told(manager, "STATUS=alice\\x0aREADY=1\n");
    notify_close();
    notify_ready();
    assert_int_equal(recv(manager, (char[1]){0}, 1, 0), -1);
}

static void a_manager_by_path_hears_everything(void **state)
{
    (void)state;
    everything_is_said_to(path);
}

static void a_manager_by_abstract_name_does(void **state)
{
    (void)state;
    everything_is_said_to("@wsapeer-test/notify");
}

static void a_manager_that_was_started_anew_is_found(void **state)
{
    int first = open_manager(path);
    cleanup_descriptor int second = -1;

    (void)state;
    assert_true(notify_open());
    close(first);
    notify_ready();
    second = open_manager(path);
    notify_stopping();
    assert_told(second, "STOPPING=1\n");
    notify_close();
}

static void reloading_says_when(void **state)
{
    cleanup_descriptor int manager = open_manager(path);
    struct timespec now;
    char message[128] = "";
    uint64_t when = 0;

    (void)state;
    assert_true(notify_open());
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify_reloading();
    assert_true(recv(manager, message, sizeof message - 1, 0) > 0);
    assert_int_equal(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%lu\n", &when), 1);
    assert_true(when >= (uint64_t)now.tv_sec * 1000000);
    assert_true(when < (uint64_t)now.tv_sec * 1000000 + 20000000);
    notify_close();
}

static void without_a_manager_nothing_happens(void **state)
{
    static const char *const none[] = {"", "@", "/", "relative", "vsock:2:1"};
    static const char *const gone[] = {"/nonexistent/socket", "@nobody", "/etc/passwd"};

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_false(notify_open());
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++) {
        setenv("NOTIFY_SOCKET", none[i], 1);
        assert_false(notify_open());
        assert_null(getenv("NOTIFY_SOCKET"));
        notify_ready();
    }
    for (unsigned i = 0; i < sizeof gone / sizeof *gone; i++) {
        setenv("NOTIFY_SOCKET", gone[i], 1);
        assert_true(notify_open());
        notify_status("nothing");
    }
    notify_close();
}

static void too_long_a_name_is_none(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'a', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_false(notify_open());
}

/* Would it wait for the manager, which reads nothing, this test would not end. */
static void a_manager_that_sleeps_is_not_waited_for(void **state)
{
    cleanup_descriptor int manager = open_manager(path);

    (void)state;
    assert_true(notify_open());
    for (int i = 0; i < 10000; i++)
        notify_status("message %d", i);
    assert_told(manager, "STATUS=message 0\n");
    notify_close();
}

/* As an instance would, from a child of user `uid`. Returns its pid. */
static pid_t say_as(uid_t uid, const char *address, const char *message)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct sockaddr_un name;
        socklen_t length;
        int talker = socket(AF_UNIX, SOCK_DGRAM, 0);

        fill(&name, &length, address);
        if (setresuid(uid, uid, uid) < 0)
            _exit(1);
        _exit(sendto(talker, message, strlen(message), 0, (struct sockaddr *)&name, length) < 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return child;
}

static void an_instance_says_so_itself(void **state)
{
    char address[16];
    cleanup_descriptor int inner = notify_inner_open(address, sizeof address);
    pid_t pid = 0, child;
    uid_t uid = 0;

    (void)state;
    assert_true(inner >= 0);
    assert_int_equal(address[0], '@');
    assert_false(notify_inner_is_ready(inner, &pid, &uid));
    child = say_as(ALICE, address, "STATUS=begin\nREADY=1\nMAINPID=1");
    assert_true(notify_inner_is_ready(inner, &pid, &uid));
    assert_int_equal(pid, child);
    assert_int_equal(uid, ALICE);
    assert_false(notify_inner_is_ready(inner, &pid, &uid));
}

static void what_is_not_ready_is_not(void **state)
{
    char address[16];
    cleanup_descriptor int inner = notify_inner_open(address, sizeof address);
    pid_t pid;
    uid_t uid;

    (void)state;
    say_as(ALICE, address, "STATUS=READY=1");
    say_as(ALICE, address, "READY=0");
    say_as(ALICE, address, "READY=11\nXREADY=1\n");
    say_as(ALICE, address, "");
    say_as(ALICE, address, "\n\n");
    assert_false(notify_inner_is_ready(inner, &pid, &uid));
    say_as(ALICE, address, "RELOADING=1");
    say_as(0, address, "READY=1\n");
    say_as(ALICE, address, "READY=1\n");
    assert_true(notify_inner_is_ready(inner, &pid, &uid));
    assert_int_equal(uid, 0);
    assert_true(notify_inner_is_ready(inner, &pid, &uid));
    assert_int_equal(uid, ALICE);
}

static unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Sends 253 descriptors, as a hostile instance would to use up the supervisor's. */
static void passed_descriptors_do_not_stay(void **state)
{
    enum { MANY = 253 };
    char address[16];
    cleanup_descriptor int inner = notify_inner_open(address, sizeof address);
    cleanup_descriptor int talker = socket(AF_UNIX, SOCK_DGRAM, 0);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(MANY * sizeof(int))] = {0};
    char text[] = "READY=1";
    struct iovec part = {text, sizeof text - 1};
    struct sockaddr_un name;
    struct msghdr header = {.msg_name = &name,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    unsigned before = open_descriptors();
    pid_t pid;
    uid_t uid;

    (void)state;
    fill(&name, &header.msg_namelen, address);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(MANY * sizeof(int));
    for (int i = 0; i < MANY; i++)
        memcpy(CMSG_DATA(rights) + (size_t)i * sizeof(int), &talker, sizeof talker);
    assert_int_equal(sendmsg(talker, &header, 0), 7);
    assert_true(notify_inner_is_ready(inner, &pid, &uid));
    assert_int_equal(pid, getpid());
    assert_int_equal(open_descriptors(), before);
}

static void a_name_needs_its_room(void **state)
{
    char address[4];

    (void)state;
    assert_int_equal(notify_inner_open(address, sizeof address), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manager_by_path_hears_everything),
        cmocka_unit_test(a_manager_by_abstract_name_does),
        cmocka_unit_test(a_manager_that_was_started_anew_is_found),
        cmocka_unit_test(reloading_says_when),
        cmocka_unit_test(without_a_manager_nothing_happens),
        cmocka_unit_test(too_long_a_name_is_none),
        cmocka_unit_test(a_manager_that_sleeps_is_not_waited_for),
        cmocka_unit_test(an_instance_says_so_itself),
        cmocka_unit_test(what_is_not_ready_is_not),
        cmocka_unit_test(passed_descriptors_do_not_stay),
        cmocka_unit_test(a_name_needs_its_room),
    };

    snprintf(path, sizeof path, "%s/notify", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
