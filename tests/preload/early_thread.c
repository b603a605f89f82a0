/* early_thread.c: a library whose constructor starts a thread, as those for numbers or tracing do.
 */
#include <poll.h>
#include <pthread.h>

/* Back in a hook again and again, whatever the program does meanwhile. */
static void *look_around(void *unused)
{
    for (;;)
        poll(NULL, 0, 10);
    return unused;
}

__attribute__((constructor)) static void start(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, look_around, NULL);
}
