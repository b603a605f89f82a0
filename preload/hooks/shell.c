/*
 * shell.c: system(3), popen(3), pclose(3), and fclose(3), which ends a stream of popen() too.
 *
 * libc starts its shell without passing a hook, so while a process is wrapped these three are made
 * of fork() and execve(): the child of a fork in a scope is sealed, and the exec gives the shell
 * the environment and the descriptors that it is to have. Elsewhere libc's own are called.
 */
#include "libc.h"
#include "scope/scope.h"
#include "scope/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

static bool is_ours(void)
{
    return process.admits || process.sealed;
}

static _Noreturn void run_shell(const char *command)
{
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static int wait_for_child(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* INT and QUIT are the terminal's word to the command, not to us; as long as any system() runs. */
static struct {
    pthread_mutex_t lock;
    unsigned running;
    struct sigaction interrupt, quit;
} ignored = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void ignore_terminal(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    pthread_mutex_lock(&ignored.lock);
    if (ignored.running++ == 0) {
        sigaction(SIGINT, &ignore, &ignored.interrupt);
        sigaction(SIGQUIT, &ignore, &ignored.quit);
    }
    pthread_mutex_unlock(&ignored.lock);
}

static void heed_terminal(void)
{
    pthread_mutex_lock(&ignored.lock);
    if (--ignored.running == 0) {
        sigaction(SIGINT, &ignored.interrupt, NULL);
        sigaction(SIGQUIT, &ignored.quit, NULL);
    }
    pthread_mutex_unlock(&ignored.lock);
}

int system(const char *command)
{
    sigset_t child_signal, before;
    int status = -1, cancelling;
    pid_t child;

    thread_check();
    if (!is_ours() || !command)
        return libc_calls()->system(command);
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling); /* nothing is left half done */
    ignore_terminal();
    pthread_sigmask(SIG_BLOCK, &child_signal, &before);
    child = fork();
    if (child == 0) {
        sigaction(SIGINT, &ignored.interrupt, NULL);
        sigaction(SIGQUIT, &ignored.quit, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        run_shell(command);
    }
    if (child > 0)
        status = wait_for_child(child);
    heed_terminal();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setcancelstate(cancelling, NULL);
    return status;
}

/* Streams of our popen() and the shells behind them. */
struct stream {
    struct stream *next;
    FILE *file;
    pid_t child;
};

static struct stream *streams;
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static void remember(struct stream *stream)
{
    pthread_mutex_lock(&streams_lock);
    stream->next = streams;
    streams = stream;
    pthread_mutex_unlock(&streams_lock);
}

static struct stream *take(FILE *file)
{
    struct stream **place, *found;

    pthread_mutex_lock(&streams_lock);
    for (place = &streams; *place && (*place)->file != file;)
        place = &(*place)->next;
    found = *place;
    if (found)
        *place = found->next;
    pthread_mutex_unlock(&streams_lock);
    return found;
}

/* In the child: `end` becomes its standard input or output, streams of earlier calls are closed. */
static _Noreturn void run_piped(const char *command, int end, int standard)
{
    for (struct stream *stream = streams; stream; stream = stream->next)
        if (fileno(stream->file) != standard)
            close(fileno(stream->file));
    if (end == standard)
        fcntl(end, F_SETFD, 0);
    else
        dup2(end, standard);
    run_shell(command);
}

/* "r" or "w", and "e" for close-on-exec, in any order. */
static bool is_mode(const char *mode)
{
    size_t reads = 0, writes = 0;

    for (; *mode; mode++) {
        reads += *mode == 'r';
        writes += *mode == 'w';
        if (!strchr("rwe", *mode))
            return false;
    }
    return reads + writes == 1;
}

FILE *popen(const char *command, const char *mode)
{
    struct stream *stream;
    int pair[2], mine;

    thread_check();
    if (!is_ours() || !is_mode(mode))
        return libc_calls()->popen(command, mode);
    stream = malloc(sizeof *stream);
    if (!stream || pipe2(pair, O_CLOEXEC) < 0) {
        free(stream);
        return NULL;
    }
    mine = strchr(mode, 'r') ? 0 : 1;
    stream->child = fork();
    if (stream->child == 0)
        run_piped(command, pair[!mine], !mine);
    stream->file = stream->child > 0 ? fdopen(pair[mine], mine == 0 ? "r" : "w") : NULL;
    close(pair[!mine]);
    if (!stream->file) {
        close(pair[mine]);
        free(stream);
        return NULL;
    }
    if (!strchr(mode, 'e'))
        fcntl(pair[mine], F_SETFD, 0);
    remember(stream);
    return stream->file;
}

/* libc closes the stream's descriptor out of our sight. */
static int close_stream(FILE *file)
{
    int saved_errno = errno, number = fileno(file), result; /* a stream in memory has none */
    bool was_last;

    errno = saved_errno;
    was_last = scope_before_close(number);
    result = libc_calls()->fclose(file);

    scope_after_close(was_last);
    return result;
}

static int end_stream(struct stream *stream)
{
    pid_t child = stream->child;

    close_stream(stream->file);
    free(stream);
    return wait_for_child(child);
}

int pclose(FILE *file)
{
    struct stream *stream;

    thread_check();
    stream = take(file);
    return stream ? end_stream(stream) : libc_calls()->pclose(file);
}

int fclose(FILE *file)
{
    struct stream *stream;

    thread_check();
    stream = __atomic_load_n(&streams, __ATOMIC_ACQUIRE) ? take(file) : NULL;
    return stream ? end_stream(stream) : close_stream(file);
}

/* A child forked by another thread than the one that holds a lock could never take it. */
static void lock_all(void)
{
    pthread_mutex_lock(&ignored.lock);
    pthread_mutex_lock(&streams_lock);
}

static void unlock_all(void)
{
    pthread_mutex_unlock(&streams_lock);
    pthread_mutex_unlock(&ignored.lock);
}

__attribute__((constructor)) static void follow_forks(void)
{
    if (process.admits)
        pthread_atfork(lock_all, unlock_all, unlock_all);
}
