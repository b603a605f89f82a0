/* fork.h: private to scope/: what start.c registers with pthread_atfork(3), see fork.c. */
#pragma once

/* In the child of a fork, before the server's code runs in it. */
void scope_fork_child(void);
