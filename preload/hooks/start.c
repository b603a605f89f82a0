/* start.c: the library's constructor. */
#include "scope/start.h"
#include "instance/instance.h"

/* First of the constructors that programs and libraries have by themselves (101 is the lowest). */
__attribute__((constructor(101))) static void start(void)
{
    scope_start((const void *)&start);
    instance_start();
}
