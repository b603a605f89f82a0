#include "sealing.h"
int sealing_seal(const struct account *account, char *text, size_t size)
{
    (void)account;
    (void)text;
    (void)size;
    return -38;
}
int sealing_settle(char *text, size_t size)
{
    (void)text;
    (void)size;
    return 0;
}
