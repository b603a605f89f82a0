#include "option_complaint.h"

#include "command.h"

#include <string.h>

static bool is_end(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc && !option->group;
}

/* The option that a name, perhaps cut short, stands for. */
static const struct argp_option *find_long(
    const struct argp_option *table, const char *name, size_t length, unsigned *matches)
{
    const struct argp_option *found = NULL;

    *matches = 0;
    for (const struct argp_option *option = table; !is_end(option); option++) {
        if (!option->name || strncmp(option->name, name, length) != 0)
            continue;
        found = option;
        ++*matches;
        if (option->name[length] == '\0') {
            *matches = 1;
            break;
        }
    }
    return found;
}

/* `word` is what follows the two dashes: `name` or `name=value`. */
static bool tell_about_long(const char *command, const struct argp_option *table, const char *word)
{
    int length = (int)strcspn(word, "=");
    unsigned matches;
    const struct argp_option *found = find_long(table, word, (size_t)length, &matches);

    if (matches == 0)
        complain(
            "%s: no option --%.*s: 'wsapeer %s --help' lists them", command, length, word, command);
    else if (matches > 1)
        complain("%s: option --%.*s is short for several: write it in full", command, length, word);
    else if (found->arg && !word[length])
        complain("%s: option --%s needs a value: write --%s=%s", command, found->name, found->name,
            found->arg);
    else if (!found->arg && word[length])
        complain(
            "%s: option --%s takes no value: leave '%s' out", command, found->name, word + length);
    else
        return false;
    return true;
}

/* The same for a cluster of short options. */
static bool tell_about_short(const char *command, const struct argp_option *table, const char *word)
{
    for (; *word; word++) {
        const struct argp_option *option = table;

        while (!is_end(option) && option->key != *word)
            option++;
        if (is_end(option)) {
            complain("%s: no option -%c: 'wsapeer %s --help' lists them", command, *word, command);
            return true;
        }
        if (option->arg && word[1])
            return false;
        if (option->arg) {
            complain("%s: option -%c needs a value: write --%s=%s", command, *word, option->name,
                option->arg);
            return true;
        }
    }
    return false;
}

bool option_complaint(const char *command, const struct argp_option *table, const char *word)
{
    if (!word || word[0] != '-' || !word[1])
        return false;
    return word[1] == '-' ? tell_about_long(command, table, word + 2)
                          : tell_about_short(command, table, word + 1);
}
