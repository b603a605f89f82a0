/*
 * environment.h: wsapeer's two variables in a program's environment; private to scope/.
 *
 * LD_PRELOAD holds our library first and whatever else the administrator preloads behind it;
 * WSAPEER_CHANNEL holds the channel's number. Nothing here allocates.
 */
#pragma once

#include <stddef.h>

/* Once: the library's path, as the loader was given it. Kept by pointer. */
void environment_set_library(const char *path);

/* The channel has another number now: so says this process's own environment, too. */
void environment_set_own_channel(int channel);

size_t environment_room(char *const environment[]);

/*
 * The same environment with both variables set (`channel` >= 0) or with neither (-1), built in
 * `room`, which holds environment_room() bytes; the strings are shared with the old one.
 */
char **environment_make(char *const environment[], void *room, int channel);
