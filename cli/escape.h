/*
 * escape.h: text of strangers, made fit for a terminal, a log line or a table.
 *
 * Invariant: what comes out is valid UTF-8 on one line and moves no cursor: no control character
 * (C0, DEL, C1), no line or paragraph separator, no change of writing direction. Every such byte,
 * and every byte that is not UTF-8, reads \xNN.
 *
 * Called by whatever prints. Allocates nothing, leaves errno alone.
 */
#pragma once

#include <stddef.h>

/* The most bytes that one byte of text becomes. */
enum { ESCAPE_FACTOR = 4 };

/*
 * Writes `text` to `escaped`, which holds `size` > 0 bytes; what does not fit is left off at a
 * whole character. Always NUL-terminated. Returns `escaped`.
 */
char *escape_text(char *escaped, size_t size, const char *text);
