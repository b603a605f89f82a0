/* passed.h: private to scope/; see passed.c and, for the hooks' part, scope.h. */
#pragma once

/* Once, at the start: sockets that the process was born with. */
void passed_find_inherited(void);
