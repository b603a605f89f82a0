#include "script_line.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

int script_line_parse(const char *start, size_t size, struct script_line *line)
{
    char text[SCRIPT_LINE_SIZE + 1] = "";
    char *interpreter, *argument, *end;

    if (size < 2 || memcmp(start, "#!", 2) != 0)
        return -ENOENT;
    if (size > SCRIPT_LINE_SIZE)
        size = SCRIPT_LINE_SIZE;
    memcpy(text, start + 2, size - 2);
    end = strchr(text, '\n');
    if (end == NULL && size == SCRIPT_LINE_SIZE)
        return -ENOEXEC; /* the kernel may cut it, at places that differ between versions */
    if (end == NULL)
        end = text + strlen(text);
    while (end > text && is_blank(end[-1]))
        end--;
    *end = '\0';
    interpreter = text + strspn(text, " \t");
    if (*interpreter == '\0')
        return -ENOEXEC;
    argument = interpreter + strcspn(interpreter, " \t");
    if (*argument != '\0')
        *argument++ = '\0';
    strcpy(line->interpreter, interpreter);
    strcpy(line->argument, argument + strspn(argument, " \t"));
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* What follows -S, or NULL. */
static const char *split_string(const char *argument)
{
    static const char *const options[] = {"-S", "--split-string=", "--split-string "};

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strncmp(argument, options[i], strlen(options[i])) == 0)
            return argument + strlen(options[i]);
    return NULL;
}

/* Quotes and backslashes have a grammar of their own in env -S; a line with them is not guessed. */
static bool is_plain(const char *text)
{
    return text[strcspn(text, "'\"\\$#")] == '\0';
}

int script_line_env(const struct script_line *line, char *name)
{
    const char *rest = line->argument, *split;
    size_t length;

    if (strcmp(base_name(line->interpreter), "env") != 0)
        return 0;
    split = split_string(rest);
    if (split == NULL) { /* one word, whatever is in it */
        if (*rest == '\0' || *rest == '-' || strchr(rest, '=') != NULL)
            return -ENOEXEC;
        strcpy(name, rest);
        return 1;
    }
    if (!is_plain(split))
        return -ENOEXEC;
    for (rest = split + strspn(split, " \t");; rest += length + strspn(rest + length, " \t")) {
        length = strcspn(rest, " \t");
        if (length == 0 || *rest == '-' || strncmp(rest, "LD_", 3) == 0)
            return -ENOEXEC;
        if (memchr(rest, '=', length) == NULL)
            break; /* not VARIABLE=value: the program */
        if (strncmp(rest, "PATH=", 5) == 0)
            return -ENOEXEC; /* it would be found elsewhere than we look */
    }
    memcpy(name, rest, length);
    name[length] = '\0';
    return 1;
}
