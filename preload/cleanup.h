/*
 * cleanup.h: things that end themselves.
 *
 * A variable declared with one of these attributes gives its resource back when it goes out of
 * scope; a function that hands the resource to its caller says so with descriptor_steal() or
 * memory_steal() in its last lines. No goto ladders.
 */
#pragma once

#include "kernel.h"

#include <stdlib.h>

static inline void descriptor_cleanup(const int *descriptor)
{
    if (*descriptor >= 0)
        kernel_close(*descriptor);
}

/* Gives the descriptor to the caller and leaves -1 behind, so that cleanup closes nothing. */
static inline int descriptor_steal(int *descriptor)
{
    int stolen = *descriptor;

    *descriptor = -1;
    return stolen;
}

/* For the command only: what runs inside a server allocates nothing. */
static inline void memory_cleanup(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

static inline void *memory_steal(void *pointer_to_pointer)
{
    void *stolen = *(void **)pointer_to_pointer;

    *(void **)pointer_to_pointer = NULL;
    return stolen;
}

#define cleanup_descriptor __attribute__((cleanup(descriptor_cleanup)))
#define cleanup_memory __attribute__((cleanup(memory_cleanup)))
