/*
 * keeper_seal.c: an instance becomes somebody's, and what is the server's own with it.
 *
 * Nothing is given before all of it is stopped: what acts for base would be acting in a directory
 * where the account can put what it likes.
 */
#include "keeper_process.h"
#include "sealing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sealed {
    const struct keeper_estate *estate;
    const struct account *account;
    char *text;
    size_t size;
    bool given;
};

/* A pipe, so that it can be opened anew, as /dev/stderr or /dev/stdout. */
static int give_pipes(const struct sealed *sealed)
{
    for (int i = 0; i < 2; i++) {
        int pipe = sealed->estate->pipes[i];

        if (pipe >= 0 && fchown(pipe, sealed->account->uid, sealed->account->gid) < 0)
            return -errno;
    }
    return 0;
}

/* Once: afterwards it is the account's, and what is in it may be, too. */
static int give(struct sealed *sealed)
{
    const struct account *account = sealed->account;
    const char *what = "the instance's directory";
    int error = 0;

    if (sealed->given)
        return 0;
    sealed->given = true;
    if (sealed->estate->directory[0])
        error = keeper_give_directory(sealed->estate->directory, account->uid, account->gid);
    if (error == 0) {
        what = "the pipes that it writes to";
        error = give_pipes(sealed);
    }
    if (error < 0)
        snprintf(sealed->text, sealed->size, "cannot give %s to uid %u: %s", what, account->uid,
            strerror(-error));
    return error;
}

static int give_and_look(void *context)
{
    struct sealed *sealed = context;
    int error = give(sealed);

    if (error < 0)
        return error;
    return keeper_look_at_files(sealed->estate->given, sealed->account->uid, sealed->account->gid,
        sealed->text, sealed->size);
}

int keeper_seal_below(
    const struct keeper_estate *estate, const struct account *account, char *text, size_t size)
{
    struct sealed sealed = {estate, account, text, size, false};

    /* To the kernel these are no ids, and would change nothing. */
    if (account->uid == (uid_t)-1 || account->gid == (gid_t)-1) {
        snprintf(
            text, size, "cannot give the instance to uid %u: %s", account->uid, strerror(EINVAL));
        return -EINVAL;
    }
    keeper_await_quiet();
    return sealing_seal(account, give_and_look, &sealed, text, size);
}
