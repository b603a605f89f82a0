#include "placeholders.h"

#include "cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Does the text hold one of the placeholders that `letters` has? */
static bool holds(const char *text, const char *letters)
{
    for (; *text; text++) {
        if (*text != '%')
            continue;
        text++;
        if (*text == '\0')
            return false;
        if (strchr(letters, *text))
            return true;
    }
    return false;
}

/* Where expansion begins; NULL: it does not. */
static const char *expandable(const char *text, enum placeholders_kind kind)
{
    const char *equals = strchr(text, '=');

    if (kind == PLACEHOLDERS_ARGUMENTS)
        return text;
    return equals && holds(equals + 1, "uUi") ? equals + 1 : NULL;
}

static bool any_holds(char *const strings[], enum placeholders_kind kind, const char *letters)
{
    for (; *strings; strings++) {
        const char *value = expandable(*strings, kind);

        if (value && holds(value, letters))
            return true;
    }
    return false;
}

bool placeholders_need_account(char *const strings[], enum placeholders_kind kind)
{
    return any_holds(strings, kind, "uU");
}

bool placeholders_present(char *const strings[], enum placeholders_kind kind)
{
    return any_holds(strings, kind, "uUi");
}

/* Not isalnum(3): a locale could have letters of its own. */
static bool is_plain(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";

    return name && name[0] && name[0] != '.' && name[0] != '-' &&
           name[strspn(name, allowed)] == '\0';
}

static void write_expanded(FILE *out, const char *text, const struct placeholder_values *values)
{
    for (; *text; text++) {
        char letter = *text == '%' ? text[1] : '\0';

        if (letter == 'u' && is_plain(values->name))
            fputs(values->name, out);
        else if (letter == 'u' || letter == 'U')
            fprintf(out, "%u", values->uid);
        else if (letter == 'i')
            fprintf(out, "%u", values->instance);
        else
            fputc(*text, out);
        if (letter && strchr("uUi%", letter))
            text++;
    }
}

/* A copy, expanded from `value`, which is within `text`, on. NULL: no memory. */
static char *expand_from(
    const char *text, const char *value, const struct placeholder_values *values)
{
    char *copy = NULL;
    size_t size;
    FILE *out = open_memstream(&copy, &size);

    if (!out)
        return NULL;
    fwrite(text, 1, (size_t)(value - text), out);
    write_expanded(out, value, values);
    if (fclose(out) == 0)
        return copy;
    free(copy);
    return NULL;
}

static char *expand(
    const char *text, const struct placeholder_values *values, enum placeholders_kind kind)
{
    const char *value = values ? expandable(text, kind) : NULL;

    return value ? expand_from(text, value, values) : strdup(text);
}

int placeholders_expand(char *const strings[], const struct placeholder_values *values,
    enum placeholders_kind kind, char ***expanded)
{
    size_t count = 0;

    while (strings[count])
        count++;
    *expanded = calloc(count + 1, sizeof **expanded);
    if (!*expanded)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        (*expanded)[i] = expand(strings[i], values, kind);
        if (!(*expanded)[i]) {
            placeholders_free(*expanded);
            *expanded = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

void placeholders_free(char **expanded)
{
    for (char **string = expanded; string && *string; string++)
        free(*string);
    free(expanded);
}
