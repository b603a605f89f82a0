/*
 * exec.c: `wsapeer exec`: one connection, one process, one account for good.
 *
 * Invariant: nothing is executed unless the peer is known, is served by the rules, and (but for
 * --env-only) the kernel has confirmed that this process is that account and nothing else.
 */
#include "account/attested.h"
#include "account/protocol.h"
#include "cleanup.h"
#include "command.h"
#include "credentials/for_good.h"
#include "credentials/helper.h"
#include "descriptors.h"
#include "event.h"
#include "event_log.h"
#include "exec_environment.h"
#include "exec_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 1024 };

struct exec {
    struct exec_options options;
    struct policy *policy;
    int socket; /* a copy, closed when the command is executed; -1 before there is one */
    struct identity peer;
    struct policy_decision decision;
};

static const struct exec *running; /* for whom a complaint is */

/* inetd(8) gives the connection as 2, too: who was refused is not to read why, nor what is wrong
 * with the options, before which the connection is descriptor 0 for all we know. */
static bool stderr_is_the_peers(void)
{
    const struct socket_name *name = &running->options.socket;
    int socket = running->socket >= 0 ? running->socket : name->descriptor;
    uint64_t cookie;

    return (running->socket >= 0 || name->pid == 0) && kernel_socket_cookie(socket, &cookie) == 0 &&
           kernel_is_socket(STDERR_FILENO, cookie);
}

static bool say_to_syslog(const char *message)
{
    struct event_log *log = NULL;

    if (!stderr_is_the_peers())
        return false;
    if (event_log_open(EVENT_TO_SYSLOG, NULL, EVENT_AS_TEXT, false, &log) == 0)
        event_log_notice(log, "exec", getpid(), message);
    event_log_close(log);
    return true;
}

/* --- every step returns -1 to go on, or the exit status --- */

static int make_policy(struct exec *exec)
{
    char message[MESSAGE_SIZE];

    exec->policy =
        policy_options_make(&exec->options.rules, PROTECT_SCOPES, true, message, sizeof message);
    if (exec->policy)
        return -1;
    complain("exec: %s", message);
    return EXIT_FAILED;
}

/*
 * A server that `run` wraps makes what it executes for a connection that peer already, and takes
 * the channel out of its environment; what an instance executes is its account's, channel and all.
 * Where there is the channel and somebody to become, the server acts for nobody, and the command
 * would carry the channel to a peer.
 */
static int check_surroundings(struct exec *exec)
{
    if (!getenv(PROTOCOL_CHANNEL_VARIABLE) || exec->options.env_only || !credentials_may_change())
        return -1;
    complain(
        "exec: it was started by a server inside 'wsapeer run', which looks after the peers by "
        "itself: leave one of the two out");
    return EXIT_FAILED;
}

static int get_number(int socket, int option)
{
    int value = 0;
    socklen_t size = sizeof value;

    return kernel_getsockopt(socket, SOL_SOCKET, option, &value, &size) < 0 ? 0 : value;
}

static int identify(struct exec *exec)
{
    const struct socket_name *name = &exec->options.socket;
    char message[MESSAGE_SIZE];
    int result = socket_name_identify(name, &exec->socket, &exec->peer, message, sizeof message);
    const char *several = NULL;

    if (get_number(exec->socket, SO_TYPE) == SOCK_DGRAM)
        several = "is a datagram socket, whose next sender may be anybody";
    else if (get_number(exec->socket, SO_ACCEPTCONN))
        several = "is a listening socket, from which anybody may be accepted";
    if (several) {
        complain("exec: descriptor %d %s: it has no one peer to become: use 'wsapeer run', or have "
                 "inetd "
                 "(nowait) or systemd (Accept=yes) accept each connection",
            name->descriptor, several);
        return EXIT_FAILED;
    }
    if (result == -ENOTCONN) {
        complain(
            "exec: descriptor %d: refused: nobody is connected to it, or nobody any more: let the "
            "client connect again",
            name->descriptor);
        return EXIT_REFUSED;
    }
    if (result < 0)
        complain("exec: %s", message);
    return result < 0 ? EXIT_FAILED : -1;
}

static const char *advice(enum account_verdict verdict)
{
    switch (verdict) {
    case ACCOUNT_NO_IDENTITY:
        return "nobody is served whom the kernel does not name";
    case ACCOUNT_DENIED:
        return "leave that rule out to serve it";
    case ACCOUNT_NOT_ALLOWED:
        return "another --allow would serve it";
    case ACCOUNT_ROOT:
        return "--map=root=ACCOUNT serves it with fewer rights, --allow=root as root";
    case ACCOUNT_HOST_UNMAPPED:
        return "--map=ADDRESS=ACCOUNT serves it";
    case ACCOUNT_UNKNOWN:
        return "give it an account, or --map it to one";
    case ACCOUNT_DIRECTORY_ERROR:
        return "see that the name service answers (getent(1))";
    case ACCOUNT_TOO_MANY_GROUPS:
        return "it needs fewer groups";
    default:
        return "no rule can serve it";
    }
}

static void describe_peer(const struct identity *peer, char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN];

    event_address(&peer->peer, address, sizeof address);
    if (peer->kind == IDENTITY_USER)
        snprintf(text, size, "uid %u", peer->uid);
    else if (peer->kind == IDENTITY_HOST)
        snprintf(text, size, "host %s", address);
    else
        snprintf(text, size, "a peer%s%s", *address ? " at " : "", address);
}

/* " (--deny=alice)": the rule, where it says more than the reason does. */
static void describe_rule(const struct policy_decision *decision, char *text, size_t size)
{
    bool says_more = decision->verdict != ACCOUNT_NO_IDENTITY &&
                     strcmp(decision->rule, account_verdict_text(decision->verdict)) != 0;

    text[0] = '\0';
    if (says_more)
        snprintf(text, size, " (%s)", decision->rule);
}

static int refuse(const struct exec *exec)
{
    const struct policy_decision *decision = &exec->decision;
    const struct identity *peer = &exec->peer;
    const char *why = account_verdict_text(decision->verdict);
    int error = decision->error;
    char who[INET6_ADDRSTRLEN + 32], rule[sizeof decision->rule + 4];

    if (decision->verdict == ACCOUNT_NO_IDENTITY && peer->reason != IDENTITY_REASON_NONE) {
        why = identity_reason_text(peer->reason);
        error = peer->error ?: error;
    } else if (decision->verdict == ACCOUNT_ROOT) {
        why = "root is let in by its name only";
    }
    describe_peer(peer, who, sizeof who);
    describe_rule(decision, rule, sizeof rule);
    complain("exec: descriptor %d: %s is refused: %s%s%s%s: %s", exec->options.socket.descriptor,
        who, why, error ? ": " : "", error ? strerror(error) : "", rule, advice(decision->verdict));
    return EXIT_REFUSED;
}

/* A local peer over AF_UNIX has the groups with which it connected, not those of the directory. */
static int decide(struct exec *exec)
{
    struct policy_decision *decision = &exec->decision;

    policy_decide(exec->policy, &exec->peer, decision);
    if (decision->verdict == ACCOUNT_SERVED && decision->as_itself &&
        exec->peer.source == IDENTITY_SOURCE_PEERCRED)
        decision->verdict =
            account_take_attested(&exec->peer, exec->socket, &decision->account, &decision->error);
    return decision->verdict == ACCOUNT_SERVED ? -1 : refuse(exec);
}

static int set_environment(struct exec *exec)
{
    const struct exec_facts facts = {.peer = &exec->peer,
        .account = exec->decision.account.uid,
        .login = !exec->options.env_only};
    int result = exec_environment_set(&facts);

    if (result == 0)
        return -1;
    complain(
        "exec: the environment for uid %u cannot be set: %s: see that the name service answers",
        facts.account, strerror(-result));
    return EXIT_FAILED;
}

/* A session's leader who leaves sends SIGHUP to the terminal's foreground, and that may be us. */
static int leave(int terminal)
{
    struct sigaction before, ignore = {.sa_handler = SIG_IGN};
    int result;

    sigaction(SIGHUP, &ignore, &before);
    result = ioctl(terminal, TIOCNOTTY) < 0 ? -errno : 0;
    sigaction(SIGHUP, &before, NULL);
    return result;
}

/* Who shares our terminal may type there as us (TIOCSTI, ioctl_tty(2)). */
static int leave_terminal(struct exec *exec)
{
    cleanup_descriptor int terminal = -1;
    int result;

    if (exec->options.env_only || exec->decision.account.uid == geteuid())
        return -1;
    terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    result = terminal < 0 ? -errno : leave(terminal);
    if (result == 0 || result == -ENXIO) /* there is none */
        return -1;
    if (result == -ENOENT && !isatty(0) && !isatty(1) && !isatty(2))
        return -1;
    complain("exec: the controlling terminal cannot be left to uid %u: %s: start it without one "
             "(setsid(1))",
        exec->decision.account.uid, strerror(-result));
    return EXIT_FAILED;
}

static int become(struct exec *exec)
{
    const struct account *account = &exec->decision.account;
    const char *missing = credentials_missing_privilege();
    int result;

    if (exec->options.env_only)
        return -1;
    result = credentials_become(account);
    if (result == 0)
        return -1;
    complain("exec: cannot become uid %u: %s%s", account->uid, missing ?: strerror(-result),
        missing ? ": without it, --env-only works" : ": nothing was executed");
    return EXIT_FAILED;
}

static int execute(struct exec *exec)
{
    char **command = exec->options.command;
    int error;

    execvp(command[0], command);
    error = errno;
    if (error == ENOENT)
        complain("exec: %s: not found: give its path, or see what PATH says", command[0]);
    else
        complain("exec: %s: cannot be executed%s%s: %s", command[0],
            exec->options.env_only ? "" : " as ", exec->options.env_only ? "" : getenv("USER"),
            strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int run_exec(int argc, char **argv)
{
    static int (*const steps[])(struct exec *) = {check_surroundings, make_policy, identify, decide,
        set_environment, leave_terminal, become, execute};
    struct exec exec = {.socket = -1};
    int status;

    running = &exec;
    complain_instead = say_to_syslog;
    status = exec_options_parse(argc, argv, &exec.options);
    if (status < 0)
        descriptors_fill_standard();
    for (size_t i = 0; status < 0; i++)
        status = steps[i](&exec);
    complain_instead = NULL;
    descriptor_cleanup(&exec.socket);
    policy_free(exec.policy);
    exec_options_free(&exec.options);
    return status;
}

const struct command command_exec = {
    .name = "exec",
    .summary = "become the peer of a socket for good, then execute a command",
    .run = run_exec,
};
