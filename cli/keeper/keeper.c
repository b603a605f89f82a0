/* keeper.c: the supervisor's half. */
#include "keeper.h"

#include "cleanup.h"
#include "keeper_process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELLO_TIMEOUT_MS = 10000 };

/* Signals wait meanwhile: no handler of the supervisor's shall run in the child. */
static pid_t fork_quietly(void)
{
    sigset_t all, before;
    pid_t child;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    child = fork();
    if (child < 0)
        child = -errno;
    if (child != 0)
        sigprocmask(SIG_SETMASK, &before, NULL);
    return child;
}

static int await_hello(int socket, struct keeper_hello *hello)
{
    struct pollfd set = {socket, POLLIN, 0};
    int ready;

    do {
        ready = poll(&set, 1, HELLO_TIMEOUT_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return ready < 0 ? -errno : -ETIMEDOUT;
    if (recv(socket, hello, sizeof *hello, MSG_DONTWAIT) != sizeof *hello)
        return -ECONNRESET;
    return hello->error;
}

static void end_keeper(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Else the number could become one of our own descriptors, which the server must not get. */
static bool are_open(const struct keeper_plan *plan)
{
    bool open = true;

    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        open = open && fcntl(number, F_GETFD) >= 0;
    for (size_t i = 0; i < keeper_count_inherited(plan); i++)
        open = open && fcntl(plan->inherited[i], F_GETFD) >= 0;
    return open && fcntl(plan->log, F_GETFD) >= 0;
}

int keeper_start(const struct keeper_plan *plan, struct keeper *keeper)
{
    struct keeper_hello hello = {0};
    int pair[2], error;
    pid_t pid;

    if (!are_open(plan))
        return -EBADF;
    error = kernel_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    if (error < 0)
        return error;
    pid = fork_quietly();
    if (pid == 0)
        keeper_process(plan, pair[1]);
    kernel_close(pair[1]);
    error = pid < 0 ? pid : await_hello(pair[0], &hello);
    if (error < 0) {
        kernel_close(pair[0]);
        if (pid > 0)
            end_keeper(pid);
        return error;
    }
    *keeper = (struct keeper){.pid = pid, .server = hello.server, .socket = pair[0]};
    return 0;
}

/* With two descriptors, or none (NULL). */
static int send_with(const struct keeper *keeper, const struct keeper_order *order, size_t size,
    const int descriptors[2])
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {.header = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {(void *)(uintptr_t)order, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;

    if (descriptors) {
        memcpy(CMSG_DATA(&control.header), descriptors, 2 * sizeof(int));
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
    }
    sent = kernel_sendmsg(keeper->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return sent == -ECONNRESET ? -EPIPE : (int)sent;
    return (size_t)sent == size ? 0 : -EMSGSIZE;
}

static int send_order(const struct keeper *keeper, const struct keeper_order *order, size_t size)
{
    return send_with(keeper, order, size, NULL);
}

int keeper_go(const struct keeper *keeper)
{
    struct keeper_order order = {.kind = ORDER_GO};

    return send_order(keeper, &order, KEEPER_SHORT_ORDER);
}

int keeper_signal(const struct keeper *keeper, int signal)
{
    struct keeper_order order = {.kind = ORDER_SIGNAL, .signal = signal};

    return send_order(keeper, &order, KEEPER_SHORT_ORDER);
}

int keeper_kill(const struct keeper *keeper)
{
    struct keeper_order order = {.kind = ORDER_KILL};

    return send_order(keeper, &order, KEEPER_SHORT_ORDER);
}

int keeper_seal(const struct keeper *keeper, const struct account *account,
    const char *private_directory, const int channel[2])
{
    struct keeper_order order = {.kind = ORDER_SEAL};

    if (account->uid == (uid_t)-1 || account->gid == (gid_t)-1 ||
        account->group_count > ACCOUNT_MAX_GROUPS)
        return -EINVAL;
    if (private_directory && strlen(private_directory) >= sizeof order.directory)
        return -ENAMETOOLONG;
    order.account = *account;
    if (private_directory)
        strcpy(order.directory, private_directory);
    return send_with(keeper, &order, sizeof order, channel);
}

int keeper_receive(const struct keeper *keeper, struct keeper_report *report)
{
    ssize_t size;

    do {
        size = kernel_recvfrom(keeper->socket, report, sizeof *report, MSG_DONTWAIT);
    } while (size == -EINTR);
    if (size == -EAGAIN)
        return -EAGAIN;
    if (size != sizeof *report)
        return -ECONNRESET;
    report->text[sizeof report->text - 1] = '\0';
    return 0;
}
