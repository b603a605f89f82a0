/* threads.h: private to credentials/: the threads that libc does not know. */
#pragma once

/*
 * Has every thread of this process given up user id 0? libc reaches only the threads it made; one
 * made by a raw clone(2) keeps what it has. 0; -EBUSY if one has kept it; -errno if /proc cannot be
 * read, but 0 if there is no /proc at all.
 */
int threads_are_lowered(void);
