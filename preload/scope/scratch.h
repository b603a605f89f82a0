/* scratch.h: private to scope/; see scratch.c. */
#pragma once

#include <sys/types.h>

/*
 * Once, by the thread that lowers the process, which is still base: files of nobody's but this
 * server's are ground's from now on.
 */
void scratch_give(uid_t ground, gid_t group);
