#include "account/account.h"

const char *account_verdict_text(enum account_verdict verdict)
{
    switch (verdict) {
    case ACCOUNT_SERVED:
        return "served";
    case ACCOUNT_NO_IDENTITY:
        return "the kernel does not tell who this peer is";
    case ACCOUNT_DENIED:
        return "a --deny rule names this peer";
    case ACCOUNT_NOT_ALLOWED:
        return "no --allow names this peer";
    case ACCOUNT_ROOT:
        return "root is let in by name only: mapped to another account, or allowed at a gate";
    case ACCOUNT_HOST_UNMAPPED:
        return "the peer is on another host, and nothing says whose rights it has (--map)";
    case ACCOUNT_UNKNOWN:
        return "the name service knows no such account";
    case ACCOUNT_DIRECTORY_ERROR:
        return "the name service failed";
    case ACCOUNT_RESERVED_ID:
        return "this id stands for nobody: -1, overflowuid, or one that wsapeer uses itself";
    case ACCOUNT_TOO_MANY_GROUPS:
        return "the account has more groups than wsapeer carries (1024)";
    case ACCOUNT_NO_RESOLVER:
        return "wsapeer's resolver has gone or did not answer in time";
    case ACCOUNT_NO_PRIVILEGE:
        return "this process has lost the privilege to become somebody: it gave it up, or was "
               "executed by one that served already";
    case ACCOUNT_SEVERAL_THREADS:
        return "the server has several threads or an epoll set, which no process for one "
               "connection can have: say --isolate=account";
    case ACCOUNT_INHERITS_ORPHANS:
        return "the server is its container's first process or a subreaper, and would be given the "
               "processes of its connections as children: start it below an init";
    case ACCOUNT_HAS_ITS_SHARE:
        return "the account has its share of processes already (--max-processes)";
    case ACCOUNT_ANOTHERS:
        return "the socket that it came by, or the process that has it, is another account's";
    case ACCOUNT_OF_INSTANCES:
        return "instances get no datagrams: say --isolate=scope, or connection";
    case ACCOUNT_NO_INSTANCE:
        return "its instance of the server cannot start or does not take clients";
    case ACCOUNT_SWITCH_FAILED:
        return "the kernel would not change the thread's credentials";
    }
    return "an unknown verdict";
}

_Static_assert(ACCOUNT_MAX_GROUPS == 1024, "account_verdict_text names the number");
