#include "stamp.h"

#include "cleanup.h"
#include "stamp.skel.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_skeleton(struct stamp_bpf **skeleton)
{
    stamp_bpf__destroy(*skeleton);
}

static int say_nothing(enum libbpf_print_level level, const char *format, va_list list)
{
    (void)level;
    (void)format;
    (void)list;
    return 0;
}

/* The descriptor of the hierarchy's root, or -errno. */
static int open_cgroup(void)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    const struct mntent *entry;
    int found = -ENOENT;

    if (!mounts)
        return -errno;
    while (found < 0 && (entry = getmntent(mounts)))
        if (strcmp(entry->mnt_type, "cgroup2") == 0)
            found = kernel_openat(AT_FDCWD, entry->mnt_dir, O_RDONLY | O_DIRECTORY);
    endmntent(mounts);
    return found;
}

/*
 * The ids in stamps are those of the user namespace that owns the sender's network namespace. Ours
 * must be the same, or the number would be somebody else's here.
 */
static int check_namespaces(void)
{
    cleanup_descriptor int net = kernel_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY);
    cleanup_descriptor int user = kernel_openat(AT_FDCWD, "/proc/self/ns/user", O_RDONLY);
    cleanup_descriptor int owner = -1;
    struct stat ours, owners;

    if (net < 0 || user < 0)
        return net < 0 ? net : user;
    owner = ioctl(net, NS_GET_USERNS);
    if (owner < 0)
        return -errno;
    if (fstat(user, &ours) < 0 || fstat(owner, &owners) < 0)
        return -errno;
    return ours.st_ino == owners.st_ino && ours.st_dev == owners.st_dev ? 0 : -EXDEV;
}

static int find_netns(uint64_t *netns)
{
    cleanup_descriptor int probe = kernel_socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof *netns;

    return probe < 0 ? probe
                     : kernel_getsockopt(probe, SOL_SOCKET, SO_NETNS_COOKIE, netns, &length);
}

/* Out of the skeleton's hands: the link lives as long as a descriptor of it is open. */
static int attach(const struct bpf_program *program, int cgroup, int *link)
{
    struct bpf_link *made = bpf_program__attach_cgroup(program, cgroup);

    if (!made)
        return -errno;
    *link = kernel_fcntl(bpf_link__fd(made), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    bpf_link__destroy(made);
    return *link < 0 ? *link : 0;
}

static int load_and_attach(struct stamp *stamp, int cgroup)
{
    __attribute__((cleanup(put_skeleton))) struct stamp_bpf *skeleton = NULL;
    int error;

    libbpf_set_print(say_nothing);
    errno = 0;
    skeleton = stamp_bpf__open_and_load();
    if (!skeleton)
        return errno ? -errno : -EINVAL;
    error = attach(skeleton->progs.stamp_clean, cgroup, &stamp->links[0]);
    if (error == 0)
        error = attach(skeleton->progs.stamp_put, cgroup, &stamp->links[1]);
    return error;
}

int stamp_attach(struct stamp *stamp, char *message, size_t size)
{
    cleanup_descriptor int cgroup = open_cgroup();
    const char *what = "no cgroup v2 hierarchy can be opened";
    int error = cgroup < 0 ? cgroup : 0;

    *stamp = (struct stamp){.links = {-1, -1}};
    if (error == 0) {
        what = "this network namespace is another user namespace's";
        error = check_namespaces();
    }
    if (error == 0) {
        what = "the network namespace cannot be told";
        error = find_netns(&stamp->netns);
    }
    if (error == 0) {
        what = "the BPF program cannot be attached";
        error = load_and_attach(stamp, cgroup);
    }
    if (error < 0) {
        snprintf(message, size, "%s: %s", what, strerror(-error));
        stamp_close(stamp);
    }
    return error;
}

void stamp_close(struct stamp *stamp)
{
    for (size_t i = 0; i < sizeof stamp->links / sizeof stamp->links[0]; i++) {
        descriptor_cleanup(&stamp->links[i]);
        stamp->links[i] = -1;
    }
    stamp->netns = 0;
}
