#include "sealing.h"

#include "clock.h"
#include "credentials/outside.h"
#include "sealing_stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <time.h>

enum {
    MOMENT_NS = 5000000,
    MOMENTS = 200,
    MOMENTS_FOR_REST = 60,
    REST_TIMEOUT_MS = 500, /* stopping may take its time, too, of what forks and forks */
};

static int complain_of_seal(const struct task *task, int error)
{
    if (error == -EPERM)
        return sealing_complain(task->pid, error, "may not change its ids and groups");
    if (error == -ENOEXEC)
        return sealing_complain(task->pid, error, "has a thread that is no 64-bit code of its own");
    return sealing_complain(task->pid, error, "cannot be sealed");
}

static int seal_stopped(int (*step)(const struct task *task))
{
    int error = 0;

    for (size_t i = sealing.count; error == 0 && i-- > 0;) {
        if (sealing.tasks[i].state != TASK_STOPPED)
            continue;
        error = step(&sealing.tasks[i]);
        if (error == -ESRCH) { /* killed; what it had, others have now */
            sealing_forget(&sealing.tasks[i]);
            sealing.grew = true;
            error = 0;
        } else if (error < 0) {
            complain_of_seal(&sealing.tasks[i], error);
        }
    }
    return error;
}

static int seal_task(const struct task *task)
{
    return credentials_seal_task(task->tid, &sealing.account);
}

static int check_task(const struct task *task)
{
    return credentials_task_is_sealed(task->tid, task->tid, &sealing.account);
}

static void release_stopped(void)
{
    for (size_t i = sealing.count; i-- > 0;) {
        if (sealing.tasks[i].state == TASK_STOPPED) {
            ptrace(PTRACE_DETACH, sealing.tasks[i].tid, NULL, NULL);
            sealing_forget(&sealing.tasks[i]);
        }
    }
}

/* Lets those go on that the stop has caught on their way. False: there are none, all of it waits.
 */
static bool go_on_to_wait(void)
{
    bool gone = false;

    for (size_t i = 0; i < sealing.count; i++) {
        struct task *task = &sealing.tasks[i];

        if (task->state == TASK_STOPPED && !task->held && !credentials_task_waits(task->tid)) {
            sealing_go_on(task);
            gone = true;
        }
    }
    return gone;
}

/* How often, and until when, a tree is let go on to where it waits: some of them never do. */
struct patience {
    int moments;
    int64_t end;
};

static bool is_at_rest(struct patience *patience)
{
    return patience->moments-- == 0 || clock_now() >= patience->end || !go_on_to_wait();
}

/*
 * A thread in vfork(2) does not stop before its child has gone on. Until then it would keep what it
 * has, in a process that serves, and be made to give that up in memory which somebody else's code
 * has had meanwhile. So nothing is changed while there is one: all of it, nobody's yet, goes on for
 * a moment, and is stopped anew.
 *
 * A server may begin to wait for clients while another of its processes still starts: what does not
 * wait for anything goes on, alone and for a shorter while, until it does. A wait that we
 * interrupted is not gone on with meanwhile: some calls come back from that with EINTR.
 */
static int stop_at_rest(void)
{
    static const struct timespec moment = {.tv_nsec = MOMENT_NS};
    struct patience patience = {MOMENTS_FOR_REST, clock_now() + REST_TIMEOUT_MS};

    for (int i = 0; i < MOMENTS; i++) {
        int error = sealing_stop_all();

        if (error < 0 || (sealing.left == 0 && is_at_rest(&patience)))
            return error;
        if (sealing.left > 0)
            release_stopped();
        nanosleep(&moment, NULL);
        error = sealing_interrupt();
        if (error < 0)
            return error;
    }
    for (size_t i = 0; i < sealing.count; i++) {
        if (sealing.tasks[i].state == TASK_LEFT)
            return sealing_complain(
                sealing.tasks[i].pid, -EAGAIN, "waits too long for what it starts (vfork)");
    }
    return -EAGAIN;
}

static int stop_and_change(void)
{
    int error = stop_at_rest(); /* leaves sealing.grew false */

    while (error == 0) {
        if (sealing.look)
            error = sealing.look(sealing.context);
        if (error == 0)
            error = seal_stopped(seal_task);
        if (error == 0)
            error = seal_stopped(check_task);
        if (error < 0 || !sealing.grew)
            return error;
        error = sealing_stop_all();
        if (error == 0 && sealing.left > 0)
            error = -EAGAIN;
    }
    return error;
}

/* Everything is stopped before anything is changed: others could write to its memory. */
static int seal_all(void)
{
    sigset_t child, before;
    int error;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    error = stop_and_change();
    if (error == 0)
        release_stopped();
    sigprocmask(SIG_SETMASK, &before, NULL);
    return error;
}

int sealing_seal(
    const struct account *account, sealing_look *look, void *context, char *text, size_t size)
{
    int error;

    sealing.look = look;
    sealing.context = context;
    sealing.text = text;
    sealing.size = size;
    text[0] = '\0';
    sealing.account = *account;
    error = seal_all();
    if (error == -EAGAIN && text[0] == '\0')
        snprintf(text, size, "its processes wait too long for what they start (vfork)");
    return error;
}
