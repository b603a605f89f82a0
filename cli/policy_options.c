/* policy_options.c: see policy_options.h. */
#include "policy_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int policy_options_add(
    struct policy_options *options, enum policy_option_kind kind, const char *text)
{
    struct policy_option *list =
        reallocarray(options->list, options->count + 1, sizeof options->list[0]);

    if (!list)
        return -ENOMEM;
    options->list = list;
    list[options->count++] = (struct policy_option){kind, text};
    return 0;
}

void policy_options_free(struct policy_options *options)
{
    free(options->list);
    *options = (struct policy_options){NULL};
}

struct policy *policy_options_make(const struct policy_options *options, enum protect_mode mode,
    bool sealed, char *message, size_t size)
{
    static int (*const add[])(struct policy *, const char *, char *, size_t) = {
        [POLICY_ALLOW] = policy_allow, [POLICY_DENY] = policy_deny, [POLICY_MAP] = policy_map};
    struct policy *policy = policy_new(mode);

    if (!policy) {
        snprintf(message, size, "%s", strerror(ENOMEM));
        return NULL;
    }
    if (sealed)
        policy_serve_sealed(policy);
    for (size_t i = 0; i < options->count; i++) {
        const struct policy_option *option = &options->list[i];

        if (add[option->kind](policy, option->text, message, size) < 0) {
            policy_free(policy);
            return NULL;
        }
    }
    return policy;
}
