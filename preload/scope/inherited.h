/*
 * inherited.h: the descriptors that a process was born with. For scope/ and instance/.
 *
 * Whoever started it may have put a listener or a client anywhere (a server that executes itself
 * anew keeps its own numbers), so all of them are looked at.
 */
#pragma once

/*
 * Calls `visit` for each open descriptor of the calling process, in no order. Once, at the start:
 * reads /proc/thread-self/fd, or where there is none tries the first 1024 numbers. No allocation.
 */
void inherited_visit(void (*visit)(int number, void *context), void *context);
