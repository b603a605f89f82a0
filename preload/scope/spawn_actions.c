/* spawn_actions.c: see spawn_actions.h. */
#include "scope/spawn_actions.h"

#include <stddef.h>

struct action {
    int tag;
    union {
        struct {
            int from, to;
        } copy;
        struct {
            int number;
            const char *path;
            int flags;
            mode_t mode;
        } open; /* the largest */
    };
};

static bool is_known;
static int tag_of_copy;

/* NULL if there is none of that index. */
static const struct action *action_at(const posix_spawn_file_actions_t *actions, int index)
{
    return index < actions->__used ? (const struct action *)(const void *)actions->__actions + index
                                   : NULL;
}

/* A copy, something else, and another copy: do they stand where we look for them? */
static bool look(const posix_spawn_file_actions_t *actions)
{
    const struct action *first = action_at(actions, 0), *second = action_at(actions, 1),
                        *third = action_at(actions, 2);

    if (actions->__used != 3 || first->tag != third->tag || first->tag == second->tag)
        return false;
    tag_of_copy = first->tag;
    return first->copy.from == 3 && first->copy.to == 4 && second->open.number == 5 &&
           third->copy.from == 6 && third->copy.to == 7;
}

void spawn_actions_prepare(void)
{
    posix_spawn_file_actions_t actions;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return;
    is_known = posix_spawn_file_actions_adddup2(&actions, 3, 4) == 0 &&
               posix_spawn_file_actions_addopen(&actions, 5, "/", 0, 0) == 0 &&
               posix_spawn_file_actions_adddup2(&actions, 6, 7) == 0 && look(&actions);
    posix_spawn_file_actions_destroy(&actions);
}

bool spawn_copies_only(const posix_spawn_file_actions_t *actions, bool (*may)(int number))
{
    if (!actions || actions->__used == 0)
        return true;
    for (int i = 0; i < actions->__used && is_known; i++)
        if (action_at(actions, i)->tag == tag_of_copy && !may(action_at(actions, i)->copy.from))
            return false;
    return is_known;
}
