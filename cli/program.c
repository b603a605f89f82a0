#include "program.h"

#include "cleanup.h"
#include "elf_file.h"
#include "script_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOST_LOADER "/lib64/ld-linux-x86-64.so.2"
#elif defined(__aarch64__)
#define HOST_LOADER "/lib/ld-linux-aarch64.so.1"
#endif

/* As the kernel: a script's interpreter may be a script, and so on, but not for ever. */
enum { DEEPEST_SCRIPT = 4 };

struct examination {
    const char *program; /* what the user named */
    char *message;
    size_t message_size;
};

/* "cannot wrap PROGRAM: it|its interpreter FILE REASON" */
__attribute__((format(printf, 4, 5))) static enum program_verdict judge(
    const struct examination *examination, enum program_verdict verdict, const char *file,
    const char *format, ...)
{
    char reason[PATH_MAX + 512];
    va_list arguments;
    bool itself = strcmp(file, examination->program) == 0;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    snprintf(examination->message, examination->message_size, "cannot wrap %s: %s%s %s",
        examination->program, itself ? "it" : "its interpreter ", itself ? "" : file, reason);
    return verdict;
}

/* --- finding it --- */

static int executable_at(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        return -EACCES;
    return 0;
}

/* 0, -EACCES if there is only what cannot be executed, -ENOENT. */
static int search_path(const char *name, char *path, size_t size)
{
    const char *directory = getenv("PATH");
    int result = -ENOENT;

    if (directory == NULL)
        directory = "/bin:/usr/bin"; /* execvp(3) */
    for (;;) {
        size_t length = strcspn(directory, ":");
        int written = length == 0 ? snprintf(path, size, "./%s", name)
                                  : snprintf(path, size, "%.*s/%s", (int)length, directory, name);

        if (written >= 0 && (size_t)written < size) {
            int found = executable_at(path);

            if (found == 0)
                return 0;
            if (found == -EACCES)
                result = -EACCES;
        }
        if (directory[length] == '\0')
            return result;
        directory += length + 1;
    }
}

static int find(const char *name, char *path, size_t size)
{
    if (*name == '\0')
        return -ENOENT;
    if (strchr(name, '/') == NULL)
        return search_path(name, path, size);
    if ((size_t)snprintf(path, size, "%s", name) >= size)
        return -ENAMETOOLONG;
    return executable_at(path);
}

static enum program_verdict report_not_found(
    const char *name, const char *needed_by, int error, char *message, size_t size)
{
    char need[PATH_MAX + 64] = "";

    if (needed_by != NULL)
        snprintf(need, sizeof need, ", which %s needs", needed_by);
    if (error != -ENOENT && error != -ENOTDIR && error != -ENAMETOOLONG) {
        snprintf(message, size, "cannot execute '%s'%s: %s; check its mode and that it is a file",
            name, need, strerror(-error));
        return PROGRAM_NOT_EXECUTABLE;
    }
    snprintf(message, size, "cannot find '%s'%s%s", name, need,
        strchr(name, '/') == NULL ? "; it is in no directory of PATH" : "; there is no such file");
    return PROGRAM_NOT_FOUND;
}

/* --- judging an ELF file --- */

static enum program_verdict judge_privileges(
    const struct examination *examination, const char *path, int file)
{
    struct stat status;
    const char *what = NULL;

    if (fstat(file, &status) < 0)
        return judge(
            examination, PROGRAM_NOT_EXECUTABLE, path, "cannot be read: %s", strerror(errno));
    if (status.st_mode & S_ISUID)
        what = "is setuid";
    else if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP))
        what = "is setgid";
    else if (fgetxattr(file, "security.capability", NULL, 0) >= 0)
        what = "has file capabilities";
    else if (errno != ENODATA && errno != EOPNOTSUPP)
        return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
            "has capabilities that cannot be read: %s", strerror(errno));
    if (what == NULL)
        return PROGRAM_OK;
    return judge(examination, PROGRAM_SETUID, path,
        "%s, so the loader ignores LD_PRELOAD; wrap a copy without that privilege, started by an "
        "account that may do what the server needs",
        what);
}

static enum program_verdict judge_loader(
    const struct examination *examination, const char *path, const struct elf_file *elf)
{
    struct stat theirs, ours;

    if (strstr(elf->interpreter, "/ld-musl-") != NULL)
        return judge(examination, PROGRAM_MUSL, path,
            "is built for musl (%s), and the library is built for glibc; use a build for glibc",
            elf->interpreter);
    if (stat(elf->interpreter, &theirs) < 0)
        return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
            "needs the loader %s: %s; install the libc that it was built for", elf->interpreter,
            strerror(errno));
    /* By another name it may be the same: /usr/lib64 for /lib64. */
    if (stat(HOST_LOADER, &ours) == 0 && theirs.st_dev == ours.st_dev &&
        theirs.st_ino == ours.st_ino)
        return PROGRAM_OK;
    return judge(examination, PROGRAM_MUSL, path,
        "is loaded by %s, which is not this host's glibc (%s); use a build for this host",
        elf->interpreter, HOST_LOADER);
}

static enum program_verdict judge_elf(
    const struct examination *examination, const char *path, int file, const struct elf_file *elf)
{
    enum program_verdict verdict;

    if (!elf->native)
        return judge(examination, PROGRAM_FOREIGN, path,
            "is built for another machine or word size than the library; use this host's build");
    verdict = judge_privileges(examination, path, file);
    if (verdict != PROGRAM_OK)
        return verdict;
    if (elf->go)
        return judge(examination, PROGRAM_GO, path,
            "is written in Go, which makes its own system calls past every library; put it "
            "behind a server that can be wrapped");
    if (!elf->interpreted)
        return judge(examination, PROGRAM_STATIC, path,
            "is statically linked, so no library can be loaded into it; use a dynamically linked "
            "build, or put it behind a server that can be wrapped");
    return judge_loader(examination, path, elf);
}

/* --- following scripts --- */

static enum program_verdict examine_file(
    const struct examination *examination, const char *path, unsigned depth);

/* The program that env(1) will run. */
static enum program_verdict examine_named(
    const struct examination *examination, const char *script, const char *name, unsigned depth)
{
    char path[PATH_MAX];
    int error = find(name, path, sizeof path);

    if (error < 0)
        return report_not_found(
            name, script, error, examination->message, examination->message_size);
    return examine_file(examination, path, depth);
}

static enum program_verdict examine_script(const struct examination *examination, const char *path,
    const struct script_line *line, unsigned depth)
{
    char name[SCRIPT_LINE_SIZE];
    enum program_verdict verdict;
    int env;

    if (depth == DEEPEST_SCRIPT)
        return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
            "is a script for a script for a script, deeper than wsapeer follows; name the last "
            "interpreter itself");
    if (executable_at(line->interpreter) < 0)
        return report_not_found(line->interpreter, path, executable_at(line->interpreter),
            examination->message, examination->message_size);
    env = script_line_env(line, name);
    if (env < 0)
        return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
            "has a first line with arguments for env(1) that wsapeer does not follow ('%s'); name "
            "the interpreter itself",
            line->argument);
    verdict = examine_file(examination, line->interpreter, depth + 1);
    if (verdict == PROGRAM_OK && env == 1)
        verdict = examine_named(examination, path, name, depth + 1);
    return verdict;
}

static ssize_t read_start(int file, char *start, size_t size)
{
    ssize_t got;

    do {
        got = pread(file, start, size, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static enum program_verdict examine_file(
    const struct examination *examination, const char *path, unsigned depth)
{
    cleanup_descriptor int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char start[SCRIPT_LINE_SIZE];
    struct script_line line;
    cleanup_memory struct elf_file *elf = malloc(sizeof *elf);
    ssize_t got = file < 0 ? -errno : read_start(file, start, sizeof start);
    int result;

    if (got < 0 || elf == NULL)
        return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
            "cannot be read, so what it is remains unknown: %s",
            strerror(got < 0 ? (int)-got : ENOMEM));
    result = script_line_parse(start, (size_t)got, &line);
    if (result == 0)
        return examine_script(examination, path, &line, depth);
    if (result == -ENOENT)
        result = elf_file_read(file, elf);
    if (result == 0)
        return judge_elf(examination, path, file, elf);
    if (result == -ENOEXEC)
        return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
            "is neither an ELF program nor a script with a whole #! line; name the program that "
            "runs it");
    return judge(examination, PROGRAM_NOT_EXECUTABLE, path,
        "is damaged, or no program (%s); install it again", strerror(-result));
}

enum program_verdict program_examine(
    const char *name, char *path, size_t path_size, char *message, size_t message_size)
{
    struct examination examination = {
        .program = path, .message = message, .message_size = message_size};
    int error = find(name, path, path_size);

    if (error < 0)
        return report_not_found(name, NULL, error, message, message_size);
    return examine_file(&examination, path, 0);
}
