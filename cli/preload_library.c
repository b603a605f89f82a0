#include "preload_library.h"

#include "cleanup.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BUILD_TREE "../preload/hooks/libwsapeer-preload.so"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#endif

/* The directory of the running command, without a slash at the end. */
static int own_directory(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (length < 0)
        return -errno;
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    return 0;
}

static bool resolve(const char *directory, const char *relative, char resolved[PATH_MAX])
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", directory, relative);
    return realpath(path, resolved) != NULL;
}

/* NULL if the file could be preloaded, else why not. */
static const char *judge_file(int library)
{
    ElfW(Ehdr) header;
    struct statvfs filesystem;
    struct stat status;
    void *mapping;

    if (fstat(library, &status) < 0 || !S_ISREG(status.st_mode))
        return "it is no regular file: install wsapeer again";
    if (pread(library, &header, sizeof header, 0) != sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_DYN ||
        header.e_machine != MACHINE)
        return "it is no library for this machine: install wsapeer again";
    if (fstatvfs(library, &filesystem) < 0 || (filesystem.f_flag & ST_NOEXEC))
        return "its file system is mounted noexec, so servers would run without it: "
               "install wsapeer elsewhere";
    mapping = mmap(NULL, sizeof header, PROT_READ | PROT_EXEC, MAP_PRIVATE, library, 0);
    if (mapping == MAP_FAILED)
        return "it may not be executed here (a security module?), so servers would run without it";
    munmap(mapping, sizeof header);
    return NULL;
}

int preload_library_find(char *path, size_t size, char *message, size_t message_size)
{
    char directory[PATH_MAX], resolved[PATH_MAX];
    cleanup_descriptor int library = -1;
    const char *why;
    int error = own_directory(directory);

    if (error < 0) {
        snprintf(message, message_size, "/proc/self/exe: %s: mount /proc", strerror(-error));
        return error;
    }
    if (!resolve(directory, WSAPEER_LIBRARY, resolved) &&
        !resolve(directory, BUILD_TREE, resolved)) {
        snprintf(message, message_size, "%s/%s: %s: install wsapeer with its library", directory,
            WSAPEER_LIBRARY, strerror(ENOENT));
        return -ENOENT;
    }
    library = open(resolved, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    why = library < 0 ? strerror(errno) : judge_file(library);
    /* What separates entries of LD_PRELOAD, and what the loader replaces in them (ld.so(8)). */
    if (!why && strpbrk(resolved, " :$"))
        why = "LD_PRELOAD cannot hold a path with a space, colon or dollar: install wsapeer "
              "elsewhere";
    if (!why && (size_t)snprintf(path, size, "%s", resolved) >= size)
        why = strerror(ENAMETOOLONG);
    if (!why)
        return 0;
    snprintf(message, message_size, "%s: %s", resolved, why);
    return -ENOEXEC;
}
