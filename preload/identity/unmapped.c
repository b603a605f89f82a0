/*
 * unmapped.c: the numbers that the kernel says where it has none to say.
 *
 * Invariant: an id that does not exist in our user namespace is read as overflowuid or overflowgid
 * (user_namespaces(7)); those and -1 ("leave unchanged" to every set*id call) are nobody's.
 *
 * overflowuid is refused always. overflowgid is Debian's nogroup, which real service accounts have
 * as their group: in a namespace that maps every group id it can be nothing else, and is believed.
 *
 * identity_prepare() is called once, single-threaded. What it cannot read stays at the kernel's own
 * default and at the strict side.
 */
#include "cleanup.h"
#include "identity/sources.h"
#include "kernel.h"

#include <string.h>

static uid_t overflow_uid = 65534;
static gid_t overflow_gid = 65534;
static bool every_gid_is_mapped;

/* The number that `text` holds before anything else, or `otherwise`. */
static uint32_t parse_number(const char *text, uint32_t otherwise)
{
    uint64_t number = 0;
    const char *digit;

    for (digit = text; *digit >= '0' && *digit <= '9'; digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
        if (number > UINT32_MAX)
            return otherwise;
    }
    return digit == text ? otherwise : (uint32_t)number;
}

/* The whole of a small file, terminated; empty if it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
    cleanup_descriptor int file = kernel_openat(AT_FDCWD, path, O_RDONLY);
    ssize_t length = file < 0 ? -1 : kernel_read(file, text, size - 1);

    text[length < 0 ? 0 : length] = '\0';
}

/* "         0          0 4294967295": the identity map of user_namespaces(7). */
static bool maps_everything(const char *map)
{
    static const char *const words[] = {"0", "0", "4294967295"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        map += strspn(map, " ");
        if (strncmp(map, words[i], strlen(words[i])) != 0)
            return false;
        map += strlen(words[i]);
        if (*map != ' ' && *map != '\n')
            return false;
    }
    return true;
}

void identity_prepare(void)
{
    char text[128];

    read_text("/proc/sys/kernel/overflowuid", text, sizeof text);
    overflow_uid = parse_number(text, overflow_uid);
    read_text("/proc/sys/kernel/overflowgid", text, sizeof text);
    overflow_gid = parse_number(text, overflow_gid);
    read_text("/proc/self/gid_map", text, sizeof text);
    every_gid_is_mapped = maps_everything(text);
}

bool identity_uid_is_unmapped(uid_t uid)
{
    return uid == (uid_t)-1 || uid == overflow_uid;
}

bool identity_gid_is_unmapped(gid_t gid)
{
    return gid == (gid_t)-1 || (gid == overflow_gid && !every_gid_is_mapped);
}
