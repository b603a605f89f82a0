/* fork.h: what start.c registers with pthread_atfork(3) and the hook of _Fork() calls; see fork.c.
 */
#pragma once

/* In the child of a fork, before the server's code runs in it. */
void scope_fork_child(void);

/* The calling process, which has one thread, is for good the peer's whose scope that thread is in.
 */
void scope_seal_process(void);
