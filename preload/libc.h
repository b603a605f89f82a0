/*
 * libc.h: the functions of libc that the hooks stand in front of.
 *
 * Invariant: a call made through libc_calls() never comes back into a hook of ours. The table is
 * filled once, before main or at the first hooked call of an earlier constructor, and then only
 * read. Three names for one function: `libc_calls()->accept` is libc's, `scope_accept` ours,
 * `accept` the exported one.
 *
 * A function that this libc does not have stands in the table as NULL; its hook then has nobody
 * who could call it.
 */
#pragma once

#include <aio.h>
#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

/* The fortified forms and the calls that no public header declares. */
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
ssize_t __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);
int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);
int capset(cap_user_header_t, const cap_user_data_t);

/* Every interposed function, once: the table and its filling come from here. */
/* clang-format off */
#define LIBC_CALLS(CALL)                                                                         \
    CALL(accept) CALL(accept4) CALL(listen) CALL(bind) CALL(connect) CALL(fdopen)                \
    CALL(getsockname) CALL(getpeername) CALL(getsockopt) CALL(setsockopt)                        \
    CALL(read) CALL(readv) CALL(recv) CALL(recvfrom) CALL(recvmsg) CALL(recvmmsg)                \
    CALL(__read_chk) CALL(__recv_chk) CALL(__recvfrom_chk)                                       \
    CALL(poll) CALL(ppoll) CALL(__poll_chk) CALL(__ppoll_chk) CALL(select) CALL(pselect)         \
    CALL(epoll_wait) CALL(epoll_pwait) CALL(epoll_pwait2) CALL(epoll_ctl)                        \
    CALL(epoll_create) CALL(epoll_create1)                                                       \
    CALL(close) CALL(close_range) CALL(closefrom) CALL(dup) CALL(dup2) CALL(dup3)                \
    CALL(pidfd_getfd)                                                                            \
    CALL(fclose) CALL(fcntl) CALL(fcntl64) CALL(pipe) CALL(pipe2) CALL(socketpair) CALL(eventfd) \
    CALL(open) CALL(open64) CALL(openat) CALL(openat64) CALL(creat) CALL(creat64)                \
    CALL(socket)                                                                                 \
    CALL(__open_2) CALL(__open64_2) CALL(__openat_2) CALL(__openat64_2)                          \
    CALL(write) CALL(writev) CALL(send) CALL(sendto) CALL(sendmsg) CALL(sendmmsg)                \
    CALL(pread) CALL(pread64) CALL(preadv) CALL(preadv64) CALL(pwrite) CALL(pwrite64)            \
    CALL(pwritev) CALL(pwritev64) CALL(__pread_chk) CALL(__pread64_chk)                          \
    CALL(preadv2) CALL(preadv64v2) CALL(pwritev2) CALL(pwritev64v2) CALL(tee) CALL(vmsplice)     \
    CALL(ftruncate) CALL(ftruncate64) CALL(fallocate) CALL(fallocate64)                          \
    CALL(posix_fallocate) CALL(posix_fallocate64)                                                \
    CALL(sendfile) CALL(sendfile64) CALL(splice) CALL(copy_file_range) CALL(mmap)                \
    CALL(mmap64)                                                                                 \
    CALL(_Fork) CALL(execve) CALL(execv) CALL(execvp) CALL(execvpe) CALL(execl)                  \
    CALL(execlp) CALL(execle) CALL(fexecve) CALL(execveat)                                       \
    CALL(posix_spawn) CALL(posix_spawnp) CALL(system) CALL(popen) CALL(pclose)                   \
    CALL(pthread_create) CALL(pthread_cond_wait) CALL(pthread_cond_timedwait)                    \
    CALL(pthread_cond_clockwait) CALL(pthread_mutex_lock)                                        \
    CALL(thrd_create) CALL(clone) CALL(cnd_wait) CALL(cnd_timedwait) CALL(mtx_lock)              \
    CALL(sem_wait) CALL(sem_timedwait) CALL(sem_clockwait)                                       \
    CALL(timer_create) CALL(mq_notify) CALL(getaddrinfo_a)                                       \
    CALL(aio_read) CALL(aio_write) CALL(aio_fsync) CALL(lio_listio) CALL(aio_read64)             \
    CALL(aio_write64) CALL(aio_fsync64) CALL(lio_listio64)                                       \
    CALL(setuid) CALL(setgid) CALL(seteuid) CALL(setegid) CALL(setreuid) CALL(setregid)          \
    CALL(setresuid) CALL(setresgid) CALL(setfsuid) CALL(setfsgid)                                \
    CALL(setgroups) CALL(initgroups) CALL(capset) CALL(prctl)                                    \
    CALL(chown) CALL(lchown) CALL(fchown) CALL(fchownat)                                         \
    CALL(access) CALL(faccessat) CALL(kill) CALL(unlink) CALL(unlinkat) CALL(remove) CALL(chroot)
/* clang-format on */

struct libc_calls {
#define LIBC_FIELD(name) __typeof__(name) *name;
    LIBC_CALLS(LIBC_FIELD)
#undef LIBC_FIELD
};

/* The table; fills it at the first call. Never fails: a program cannot start without these. */
const struct libc_calls *libc_calls(void);
