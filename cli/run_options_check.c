/* run_options_check.c: what cannot be said together. */
#include "run_options_check.h"

#include "command.h"

/* --gate and --observe: nothing of what else can be said of credentials goes with them. */
static int check_without_credentials(
    const struct run_options *options, const struct run_options_about *about)
{
    const char *mode = options->mode == PROTECT_GATE ? "--gate" : "--observe";
    const char *other = NULL;

    for (size_t i = 0; i < options->rules.count && options->mode == PROTECT_GATE; i++) {
        if (options->rules.list[i].kind == POLICY_MAP) {
            complain("run: --map=%s with --gate: a gate changes no credentials, so it can map "
                     "nobody: use --allow, or leave --gate out",
                options->rules.list[i].text);
            return EXIT_FAILED;
        }
    }
    if (options->ground_given)
        other = "ground";
    else if (options->inline_loops)
        other = "inline";
    else if (options->chroot_ok)
        other = "chroot-ok";
    else if (options->isolate == RUN_ISOLATE_ACCOUNT)
        other = "isolate=account";
    else if (options->isolate == RUN_ISOLATE_CONNECTION)
        other = "isolate=connection";
    else
        other = about->instances ?: about->processes;
    if (!other)
        return -1;
    complain(
        "run: --%s with %s: no credentials are changed then: leave one of them out", other, mode);
    return EXIT_FAILED;
}

static int check_isolation(const struct run_options *options, const struct run_options_about *about)
{
    bool has_scopes = options->isolate == RUN_ISOLATE_SCOPE || options->inline_loops;
    const char *mode = options->inline_loops                        ? "--inline"
                       : options->isolate == RUN_ISOLATE_SCOPE      ? "--isolate=scope"
                       : options->isolate == RUN_ISOLATE_CONNECTION ? "--isolate=connection"
                                                                    : "--isolate=account";

    if (options->isolate == RUN_ISOLATE_ACCOUNT &&
        (options->inline_loops || options->ground_given || options->chroot_ok)) {
        complain("run: --%s with --isolate=account: it is about scopes, and an instance, which is "
                 "its account's alone, needs none: leave one of them out",
            options->inline_loops   ? "inline"
            : options->ground_given ? "ground"
                                    : "chroot-ok");
        return EXIT_FAILED;
    }
    if (options->isolate == RUN_ISOLATE_CONNECTION && options->inline_loops) {
        complain("run: --inline with --isolate=connection: a process a connection is not for event "
                 "loops: leave one of them out");
        return EXIT_FAILED;
    }
    if (about->instances && (has_scopes || options->isolate == RUN_ISOLATE_CONNECTION)) {
        complain("run: --%s with %s: there are no instances then: leave one of them out",
            about->instances, mode);
        return EXIT_FAILED;
    }
    if (about->processes && options->isolate != RUN_ISOLATE_CONNECTION) {
        complain("run: --%s without --isolate=connection: connections have no processes of their "
                 "own then: leave it out",
            about->processes);
        return EXIT_FAILED;
    }
    return -1;
}

int run_options_check(struct run_options *options, const struct run_options_about *about)
{
    int status;

    if (!options->server && !options->explain) {
        complain("run: no server to run: give its command, as in wsapeer run -- nginx");
        return EXIT_FAILED;
    }
    status = options->mode == PROTECT_SCOPES ? check_isolation(options, about)
                                             : check_without_credentials(options, about);
    if (options->mode != PROTECT_SCOPES || options->inline_loops)
        options->isolate = RUN_ISOLATE_SCOPE;
    return status;
}
