/*
 * placeholders.h: %u, %U, %i and %% in the arguments and the environment of an instance.
 *
 * %u is the account's name, %U its user id, %i the number of the instance, %% a percent sign;
 * anything else after a percent sign is left as it is, with it. In an environment string
 * (NAME=VALUE) the value is expanded if it holds one of %u, %U and %i, and is left byte for byte
 * otherwise: it is usually not about us. Names of variables are never expanded.
 *
 * Invariant: %u never becomes more than one component of a path, nor an option, nor a hidden file,
 * whatever the directory calls an account: a name with a byte outside [A-Za-z0-9._@-], or that
 * begins with a period or a dash, or is empty, is replaced by the user id.
 *
 * Used by the supervisor before it starts an instance. Allocates; looks up nothing.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct placeholder_values {
    const char *name; /* of the account; NULL: it has none, the user id is taken */
    uid_t uid;
    unsigned instance;
};

/* What the strings are. */
enum placeholders_kind { PLACEHOLDERS_ARGUMENTS, PLACEHOLDERS_ENVIRONMENT };

/*
 * Would %u or %U be expanded in any of the strings, which end with NULL? Then an instance cannot
 * start before its account is known.
 */
bool placeholders_need_account(char *const strings[], enum placeholders_kind kind);

/* The same for %u, %U and %i. */
bool placeholders_present(char *const strings[], enum placeholders_kind kind);

/*
 * Copies the strings, expanded if `values` is not NULL, into *expanded: a NULL-terminated array,
 * the caller's, it and each string allocated on its own, to be given back by placeholders_free().
 * Returns 0, or -ENOMEM with *expanded NULL.
 */
int placeholders_expand(char *const strings[], const struct placeholder_values *values,
    enum placeholders_kind kind, char ***expanded);

/* NULL is fine. */
void placeholders_free(char **expanded);
