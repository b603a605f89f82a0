#include "cleanup.h"
#include "command.h"
#include "escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool (*complain_instead)(const char *message);

/* One write, so that lines of several processes do not mix. */
static void write_line(const char *line, size_t length)
{
    while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
        ;
}

void complain(const char *format, ...)
{
    static const char out_of_memory[] = "wsapeer: out of memory\n", prefix[] = "wsapeer: ";
    cleanup_memory char *message = NULL, *line = NULL;
    int saved_errno = errno, length;
    va_list arguments;
    size_t size;

    va_start(arguments, format);
    length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (length < 0)
        message = NULL; /* vasprintf leaves it undefined */
    if (message && complain_instead && complain_instead(message)) {
        errno = saved_errno;
        return;
    }
    size = message != NULL ? (size_t)length * ESCAPE_FACTOR + sizeof prefix + 1 : 0;
    line = message != NULL ? malloc(size) : NULL;
    if (line == NULL) {
        write_line(out_of_memory, sizeof out_of_memory - 1);
    } else {
        memcpy(line, prefix, sizeof prefix - 1);
        escape_text(line + sizeof prefix - 1, size - (sizeof prefix - 1), message);
        strcat(line, "\n");
        write_line(line, strlen(line));
    }
    errno = saved_errno;
}

int finish_output(int status, int trouble)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("cannot write to standard output: %m");
    return trouble;
}
