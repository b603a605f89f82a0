/* sealing_static.c: without libc.so, ld.so or anything else that could be preloaded. */
#include <stdlib.h>
#include <unistd.h>

/* static GO READY: says that it is ready, waits for go, and ends well if it is alice by then. */
int main(int argc, char **argv)
{
    char byte;

    if (argc != 3 || write(atoi(argv[2]), "x", 1) != 1 || read(atoi(argv[1]), &byte, 1) != 1)
        return 1;
    return getuid() == 1001 ? 0 : 2;
}
