/*
 * become.c: `become NUMBERS PATH ARG0 [ARG...]`, the last step of a spawn in a scope.
 *
 * posix_spawn(3) makes its child inside libc, where no hook of ours can seal it: it starts this
 * program as (guard, peer, guard) without capabilities, and anybody may set every id to one he has.
 * So this closes NUMBERS (each with a comma behind it: the channel, other peers' connections,
 * listeners), sets all ids to the effective one, leaves the keyring, proves it, and only then
 * executes the real program. It runs with the peer's rights and grants nothing.
 *
 * Exit status: 127 if PATH cannot be executed, as posix_spawn(3)'s child, 125 if the ids will not
 * change.
 */
#include "credentials/credentials.h"

#include "credentials/set.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the spawn itself put on 0, 1 and 2 is meant for the program. */
static void close_unless_standard(int number)
{
    if (number > STDERR_FILENO)
        kernel_close(number);
}

int main(int argc, char **argv)
{
    uid_t uid = geteuid();

    if (argc < 3)
        return 125;
    for (const char *number = argv[1]; *number; number += strcspn(number, ",") + 1)
        close_unless_standard(atoi(number));
    if (set_uids(uid, uid, uid) < 0 || credentials_seal(uid) < 0)
        return 125;
    if (getgid() != getegid() || credentials_leave_keyring() < 0)
        return 125;
    execv(argv[2], argv + 3);
    return 127;
}
