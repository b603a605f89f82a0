/*
 * services.h: how the name service is configured for this process.
 *
 * Invariant: after services_make_strict() a look-up in the group database ends at the first service
 * that cannot answer, instead of going on to the next one and losing the error.
 *
 * Called by nss.c alone. Single-threaded; allocates; changes errno.
 */
#pragma once

#include <stddef.h>

/*
 * Reads the group: line of /etc/nsswitch.conf once and gives it back to libc with
 * [UNAVAIL=return TRYAGAIN=return] at each service that is installed; does nothing the second time,
 * nor if there is no such file or line (libc's own default is `files`, which then is all there is).
 */
void services_make_strict(void);

/*
 * Writes `line`, the services of one database as nsswitch.conf(5) has them, to `strict` with the
 * two actions before the administrator's own at each service. Returns 0, -EINVAL if the line is not
 * understood, -ERANGE if it does not fit `size` bytes.
 */
int services_strict_line(const char *line, char *strict, size_t size);
