/* passed.h: private to scope/; see passed.c and, for the hooks' part, scope.h. */
#pragma once

/* Once, at the start: listeners that the process was born with are listeners. */
void passed_find_listeners(void);
