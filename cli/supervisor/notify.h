/*
 * notify.h: sd_notify(3) without its library: to the service manager, and from the instances.
 *
 * Invariant: nothing here waits. Without NOTIFY_SOCKET every notify_ function does nothing; a
 * message that cannot be sent at once is lost, as sd_notify's may be. The manager's socket is known
 * to this process alone: it is taken out of the environment, so that an instance neither reports in
 * the supervisor's place nor is asked by the manager who it is.
 *
 * What an instance says arrives at a socket of ours, whose name it is given instead. It is a
 * stranger's word, told with who said it (SCM_CREDENTIALS, the kernel's word); the caller decides
 * what it is worth.
 *
 * Used by run and the supervisor; one manager a process. Single-threaded. Changes errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads NOTIFY_SOCKET, a path or an abstract name that begins with @, and takes it out of the
 * environment. Returns whether there is a manager to be told; with one the process keeps a
 * descriptor, close-on-exec. A name that no socket can have is as good as none.
 */
bool notify_open(void);
void notify_close(void);

/* The service is up; also after notify_reloading(), when what was reloaded is. */
void notify_ready(void);
void notify_stopping(void);
void notify_reloading(void);

/* What `systemctl status` shows: one line, made like printf(3)'s; what is no text is escaped. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A socket that takes notifications from anybody in this network namespace. Returns the descriptor,
 * the caller's, non-blocking and close-on-exec, with what NOTIFY_SOCKET must be for it in
 * `address`, which holds `size` bytes (16 will do); or -errno.
 */
int notify_inner_open(char *address, size_t size);

/*
 * Takes what has arrived, a bounded number of messages, without waiting. Returns whether there was
 * a READY=1, and who sent it, in *pid and *uid; call it again while `socket` is readable.
 */
bool notify_inner_is_ready(int socket, pid_t *pid, uid_t *uid);
