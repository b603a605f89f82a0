#include "sealing.h"

#include "credentials/outside.h"
#include "sealing_stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <time.h>

enum { MOMENT_NS = 5000000, MOMENTS = 200 };

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

/*
 * A thread in vfork(2) does not stop before its child has gone on. Until then it would keep what it
 * has, in a process that serves, and be made to give that up in memory which somebody else's code
 * has had meanwhile. So nothing is changed while there is one: all of it, nobody's yet, goes on for
 * a moment, and is stopped anew.
 */
static int stop_between_vforks(void)
{
    static const struct timespec moment = {.tv_nsec = MOMENT_NS};

    for (int i = 0; i < MOMENTS; i++) {
        int error = sealing_stop_all();

        if (error < 0 || sealing.left == 0)
            return error;
        release_stopped();
        nanosleep(&moment, NULL);
        error = sealing_take_stops();
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
    int error = stop_between_vforks(); /* leaves sealing.grew false */

    while (error == 0) {
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

int sealing_seal(const struct account *account, char *text, size_t size)
{
    sealing.text = text;
    sealing.size = size;
    text[0] = '\0';
    sealing.account = *account;
    return seal_all();
}
