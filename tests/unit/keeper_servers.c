/* keeper_servers.c: what the tests of the keeper execute as servers; see keeper_kept.h. */
#include "keeper_kept.h"

#include "cleanup.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST_PROCESSES = 200 };

static int below; /* what the server was given to tell the test by */

static void say(const char *text)
{
    if (write(below, text, strlen(text)) < 0)
        _exit(99);
}

static void serve_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    char text[16];

    while ((entry = readdir(directory))) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory)) {
            snprintf(text, sizeof text, "%d ", atoi(entry->d_name));
            say(text);
        }
    }
}

static void serve_stderr(void)
{
    static const char text[] = "first\n\nthe \x1b[1mlast\n\n";

    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(99);
    _exit(3);
}

static void serve_state(void)
{
    sigset_t mask;
    struct rlimit limit;
    struct sigaction hup, term;
    char text[128];

    sigprocmask(SIG_SETMASK, NULL, &mask);
    getrlimit(RLIMIT_NOFILE, &limit);
    sigaction(SIGHUP, NULL, &hup);
    sigaction(SIGTERM, NULL, &term);
    snprintf(text, sizeof text, "%d %d %d %d %d %d", sigismember(&mask, SIGUSR2),
        sigismember(&mask, SIGCHLD), hup.sa_handler == SIG_IGN, term.sa_handler == SIG_DFL,
        (int)limit.rlim_cur, getpgid(0) == getpid());
    say(text);
}

static void serve_daemon(void)
{
    if (fork() != 0)
        _exit(7);
    setsid();
    if (fork() != 0)
        _exit(0);
    while (getppid() == 1)
        ; /* never: it is the keeper's */
    say("daemon");
    pause();
}

static void on_signal(int number)
{
    say(number == SIGUSR1 ? "1" : "2");
}

static void serve_signals(void)
{
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    say("ready");
    for (;;)
        pause();
}

/* Each child forks on; who may not says so, once. */
static void serve_bomb(void)
{
    static const struct rlimit limit = {MOST_PROCESSES, MOST_PROCESSES};

    if (setrlimit(RLIMIT_NPROC, &limit) < 0 || setgid(STRANGER) < 0 || setuid(STRANGER) < 0)
        _exit(99);
    for (bool said = false;;) {
        pid_t child = fork();

        if (child < 0 && !said) {
            said = true;
            say("full");
        }
        if (child == 0 && fork() > 0)
            _exit(0); /* and leave an orphan */
    }
}

static void serve_sleep(void)
{
    say("ready");
    for (;;)
        pause();
}

static void serve_powerless(void)
{
    if (setuid(STRANGER) < 0)
        _exit(99);
    serve_sleep();
}

static void serve_seal(void)
{
    char text[64];
    int error_output;

    signal(SIGUSR1, on_signal);
    say("ready");
    pause();
    error_output = open("/dev/stderr", O_WRONLY);
    snprintf(text, sizeof text, " %d %d", (int)getuid(), error_output >= 0);
    say(text);
}

int serve(const char *role, int descriptor)
{
    static const struct {
        const char *role;
        void (*serve)(void);
    } servers[] = {{"descriptors", serve_descriptors}, {"stderr", serve_stderr},
        {"state", serve_state}, {"daemon", serve_daemon}, {"signals", serve_signals},
        {"bomb", serve_bomb}, {"sleep", serve_sleep}, {"powerless", serve_powerless},
        {"seal", serve_seal}};

    below = descriptor;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        if (strcmp(role, servers[i].role) == 0)
            servers[i].serve();
    }
    return 0;
}
