/* no_stamp.c: in place of stamp.c where wsapeer is built without libbpf (WSAPEER_BPF=OFF). */
#include "stamp.h"

#include <errno.h>
#include <stdio.h>

int stamp_attach(struct stamp *stamp, char *message, size_t size)
{
    *stamp = (struct stamp){.links = {-1, -1}};
    snprintf(message, size, "this wsapeer was built without BPF");
    return -EOPNOTSUPP;
}

void stamp_close(struct stamp *stamp)
{
    (void)stamp;
}
