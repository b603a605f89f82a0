/*
 * event_sink.h: where the lines of the log go.
 *
 * Invariant: writing never waits. Descriptors that others share (stderr is the server's, too) are
 * not switched to non-blocking mode for that, but opened anew or asked first. A line is written
 * whole or, where the reader has stopped in the middle of one, is ended before the next begins.
 *
 * Used by event_log.c.
 */
#pragma once

#include "event_log.h"

#include <stddef.h>

enum event_sink_kind { SINK_FILE, SINK_SOCKET, SINK_SYSLOG };

struct event_sink {
    enum event_sink_kind kind;
    int descriptor;
    bool torn; /* the last line was cut off */
};

/* Returns 0 or -errno. `path` for EVENT_TO_FILE. */
int event_sink_open(struct event_sink *sink, enum event_target target, const char *path);
void event_sink_close(struct event_sink *sink);

/*
 * Writes `line`, which ends in a newline; `priority` is syslog's (syslog(3)). Returns false if it
 * could not be written now and is lost.
 */
bool event_sink_write(struct event_sink *sink, const char *line, size_t length, int priority);
