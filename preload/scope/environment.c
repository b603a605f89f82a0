/* environment.c: see environment.h. */
#include "scope/environment.h"

#include "account/protocol.h"
#include "scope/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *library = "";

void environment_set_library(const char *path)
{
    library = path;
}

/* The value of `variable` if it is NAME=, else NULL. */
static char *value_of(char *variable, const char *name)
{
    size_t length = strlen(name);

    return strncmp(variable, name, length) == 0 && variable[length] == '=' ? variable + length + 1
                                                                           : NULL;
}

static const char *preloaded(char *const environment[])
{
    for (; environment && *environment; environment++) {
        const char *value = value_of(*environment, "LD_PRELOAD");

        if (value)
            return value;
    }
    return "";
}

size_t environment_room(char *const environment[])
{
    size_t count = 0;

    while (environment && environment[count])
        count++;
    return (count + 3) * sizeof(char *) + strlen(preloaded(environment)) + strlen(library) + 64;
}

/* Appends every library of the list that is not ours, with a colon before each. Its new end. */
static char *append_others(char *end, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, ": ");

        if (length > 0 && (length != strlen(library) || memcmp(list, library, length) != 0)) {
            *end++ = ':';
            memcpy(end, list, length);
            end += length;
        }
        list += length;
        list += strspn(list, ": ");
    }
    *end = '\0';
    return end;
}

static size_t copy_others(char **made, char *const environment[])
{
    size_t count = 0;

    for (; environment && *environment; environment++)
        if (!value_of(*environment, "LD_PRELOAD") &&
            !value_of(*environment, PROTOCOL_CHANNEL_VARIABLE))
            made[count++] = *environment;
    return count;
}

char **environment_make(char *const environment[], void *room, int channel)
{
    char **made = room;
    size_t count = copy_others(made, environment);
    char *text = (char *)(made + count + 3), *end;

    if (channel >= 0) {
        made[count++] = text;
        text +=
            sprintf(text, "%s=" PROTOCOL_CHANNEL_FORMAT, PROTOCOL_CHANNEL_VARIABLE, channel) + 1;
    }
    end = stpcpy(text, "LD_PRELOAD=");
    if (channel >= 0) {
        append_others(stpcpy(end, library), preloaded(environment));
        made[count++] = text;
    } else if (append_others(end, preloaded(environment)) != end) {
        memmove(end, end + 1, strlen(end)); /* the first colon */
        made[count++] = text;
    }
    made[count] = NULL;
    return made;
}

/*
 * The list without our library, written over the old one. Ours stands first there and the others
 * are shorter than both.
 */
static void clean_preload(char *value)
{
    const char *rest = value;
    size_t length = strlen(library);

    if (strncmp(value, library, length) != 0 || (value[length] && !strchr(": ", value[length])))
        return;
    rest += length;
    rest += strspn(rest, ": ");
    memmove(value, rest, strlen(rest) + 1);
}

/* In place: the number always has the same width. */
void environment_set_own_channel(int channel)
{
    char number[16];

    snprintf(number, sizeof number, PROTOCOL_CHANNEL_FORMAT, channel);
    for (char **variable = environ; variable && *variable; variable++) {
        char *value = value_of(*variable, PROTOCOL_CHANNEL_VARIABLE);

        if (value && strlen(value) == strlen(number))
            memcpy(value, number, strlen(number));
    }
}

void program_clean_own_environment(void)
{
    char **kept = environ;

    for (char **variable = environ; variable && *variable; variable++) {
        char *value = value_of(*variable, "LD_PRELOAD");

        if (value)
            clean_preload(value);
        if (!(value && *value == '\0') && !value_of(*variable, PROTOCOL_CHANNEL_VARIABLE))
            *kept++ = *variable;
    }
    if (kept)
        *kept = NULL;
}
