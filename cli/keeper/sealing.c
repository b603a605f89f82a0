#include "sealing.h"

#include "credentials/outside.h"
#include "sealing_stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>

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

static int stop_and_change(void)
{
    int error;

    do {
        error = sealing_stop_all(); /* leaves sealing.grew false */
        if (error == 0)
            error = seal_stopped(seal_task);
        if (error == 0)
            error = seal_stopped(check_task);
    } while (error == 0 && sealing.grew);
    return error;
}

static void begin(char *text, size_t size)
{
    sealing.text = text;
    sealing.size = size;
    text[0] = '\0';
}

/* Everything is stopped first, also for one that is late: others could write to its memory. */
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
    begin(text, size);
    sealing.account = *account;
    return seal_all();
}

int sealing_settle(char *text, size_t size)
{
    size_t left;
    int error;

    begin(text, size);
    for (size_t i = sealing.count; i-- > 0;) {
        if (sealing_has_ended(sealing.tasks[i].pid, sealing.tasks[i].tid))
            sealing_forget(&sealing.tasks[i]);
    }
    left = sealing.left;
    if (left == 0)
        return 0;
    error = sealing_take_stops();
    return error < 0 || sealing.left == left ? error : seal_all();
}
