/* process_stat.h: a few words of /proc/PID/stat, proc(5). */
#pragma once

#include <sys/types.h>

struct process_stat {
    char state; /* 'R', 'S', 'Z' … */
    pid_t parent, session;
};

/* 0, or -ESRCH if there is no such process or no /proc. */
int process_stat_read(pid_t pid, struct process_stat *stat);
