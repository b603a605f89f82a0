#include "account/services.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <nss.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 1024 };

/*
 * libc skips a service whose module is not installed as if it were unavailable; Debian names
 * `systemd` whether it is there or not. Such a service must not end a look-up.
 */
static bool service_is_installed(const char *name, size_t length)
{
    char library[256];
    void *handle;

    if (length == strlen("files") && memcmp(name, "files", length) == 0)
        return true; /* part of libc since glibc 2.34 */
    if ((size_t)snprintf(library, sizeof library, "libnss_%.*s.so.2", (int)length, name) >=
        sizeof library)
        return false;
    handle = dlopen(library, RTLD_LAZY);
    return handle != NULL; /* kept open: libc is going to load it anyway */
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* Copies one service and its [actions]; returns how much of `line` that was, or -errno. */
static int copy_service(const char *line, char *strict, size_t size)
{
    size_t name = strcspn(line, " \t\n[");
    const char *actions = skip_space(line + name), *end = actions;
    bool installed = name > 0 && service_is_installed(line, name);
    int written;

    if (name == 0)
        return -EINVAL;
    if (*actions == '[') {
        end = strchr(++actions, ']');
        if (end == NULL)
            return -EINVAL;
    }
    written = snprintf(strict, size, "%.*s [%s%.*s] ", (int)name, line,
        installed ? "UNAVAIL=return TRYAGAIN=return " : "UNAVAIL=continue ", (int)(end - actions),
        actions);
    if ((size_t)written >= size)
        return -ERANGE;
    return (int)(end - line) + (*end == ']');
}

int services_strict_line(const char *line, char *strict, size_t size)
{
    strict[0] = '\0';
    for (line = skip_space(line); *line != '\0'; line = skip_space(line)) {
        size_t used = strlen(strict);
        int taken = copy_service(line, strict + used, size - used);

        if (taken < 0)
            return taken;
        line += taken;
    }
    return 0;
}

static void configure_from(FILE *file)
{
    char line[LONGEST_LINE], strict[4 * LONGEST_LINE];

    while (fgets(line, sizeof line, file) != NULL) {
        const char *text = skip_space(line);

        line[strcspn(line, "#\n")] = '\0';
        if (strncmp(text, "group", 5) != 0)
            continue;
        text = skip_space(text + 5);
        if (*text != ':')
            continue;
        if (services_strict_line(text + 1, strict, sizeof strict) == 0)
            __nss_configure_lookup("group", strict);
        return;
    }
}

void services_make_strict(void)
{
    static bool done;
    FILE *file;

    if (done)
        return;
    done = true;
    file = fopen("/etc/nsswitch.conf", "re");
    if (file == NULL)
        return;
    configure_from(file);
    fclose(file);
}
