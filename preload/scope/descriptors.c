/* descriptors.c: see descriptors.h. */
#include "scope/descriptors.h"

#include "kernel.h"

#include <errno.h>
#include <sys/mman.h>

enum { CHUNKS = 1024, CHUNK_SIZE = 1024 };

static struct descriptor *chunks[CHUNKS];

/* How many entries descriptor_copy() ever made for connections: almost always none. */
static unsigned copies_of_connections;

static unsigned copies_of_stand_ins;

static struct descriptor *chunk_of(unsigned number)
{
    if (number >= CHUNKS * CHUNK_SIZE)
        return NULL;
    return __atomic_load_n(&chunks[number / CHUNK_SIZE], __ATOMIC_ACQUIRE);
}

static struct descriptor *make_chunk(unsigned index)
{
    size_t size = CHUNK_SIZE * sizeof(struct descriptor);
    long made = kernel_call(
        SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct descriptor *expected = NULL;

    if (made < 0 && made > -4096)
        return NULL;
    if (__atomic_compare_exchange_n(&chunks[index], &expected, (struct descriptor *)made, false,
            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return (struct descriptor *)made;
    kernel_call(SYS_munmap, made, (long)size, 0, 0, 0, 0);
    return expected;
}

struct descriptor *descriptor_find(int number)
{
    struct descriptor *chunk = chunk_of((unsigned)number);
    struct descriptor *entry;

    if (!chunk)
        return NULL;
    entry = &chunk[(unsigned)number % CHUNK_SIZE];
    return __atomic_load_n(&entry->kind, __ATOMIC_ACQUIRE) == DESCRIPTOR_UNKNOWN ? NULL : entry;
}

int descriptor_record(int number, const struct descriptor *entry)
{
    struct descriptor *chunk = chunk_of((unsigned)number), *place;
    struct descriptor hidden = *entry;

    if ((unsigned)number >= CHUNKS * CHUNK_SIZE)
        return -EMFILE;
    if (!chunk)
        chunk = make_chunk((unsigned)number / CHUNK_SIZE);
    if (!chunk)
        return -ENOMEM;
    place = &chunk[(unsigned)number % CHUNK_SIZE];
    hidden.kind = DESCRIPTOR_UNKNOWN;
    *place = hidden;
    __atomic_store_n(&place->kind, entry->kind, __ATOMIC_RELEASE);
    return 0;
}

void descriptor_forget(int number)
{
    struct descriptor *entry = descriptor_find(number);

    if (entry)
        __atomic_store_n(&entry->kind, DESCRIPTOR_UNKNOWN, __ATOMIC_RELEASE);
}

bool descriptor_is_current(int number, const struct descriptor *entry)
{
    bool current = kernel_is_socket(number, entry->cookie);

    if (!current)
        descriptor_forget(number);
    return current;
}

void descriptor_forget_range(unsigned first, unsigned last)
{
    for (unsigned index = first / CHUNK_SIZE; index < CHUNKS; index++) {
        unsigned start = index * CHUNK_SIZE;

        if (start > last)
            return;
        if (!chunk_of(start))
            continue;
        for (unsigned i = 0; i < CHUNK_SIZE; i++)
            if (start + i >= first && start + i <= last)
                descriptor_forget((int)(start + i));
    }
}

void descriptor_copy(int number, int copy)
{
    struct descriptor *entry = descriptor_find(number);

    if (!entry) {
        descriptor_forget(copy);
        return;
    }
    if (entry->kind == DESCRIPTOR_CONNECTION)
        __atomic_fetch_add(&copies_of_connections, 1, __ATOMIC_RELAXED);
    if (entry->kind ==
        DESCRIPTOR_EPOLL) /* what is added by one number is waited for by the other */
        entry->flags |= EPOLL_HOLDS_CONNECTION;
    descriptor_record(copy, entry);
    if (entry->kind == DESCRIPTOR_STAND_IN) /* it can be found by both numbers now */
        __atomic_fetch_add(&copies_of_stand_ins, 1, __ATOMIC_RELEASE);
}

unsigned descriptor_moves(void)
{
    return __atomic_load_n(&copies_of_stand_ins, __ATOMIC_ACQUIRE);
}

static bool chunk_has_twin(unsigned index, unsigned number, uint64_t cookie)
{
    const struct descriptor *chunk = chunk_of(index * CHUNK_SIZE);

    for (unsigned i = 0; chunk && i < CHUNK_SIZE; i++)
        if (index * CHUNK_SIZE + i != number && chunk[i].kind == DESCRIPTOR_CONNECTION &&
            chunk[i].cookie == cookie)
            return true;
    return false;
}

bool descriptor_has_twin(int number, uint64_t cookie)
{
    if (number >= 0 && __atomic_load_n(&copies_of_connections, __ATOMIC_RELAXED) == 0)
        return false;
    for (unsigned index = 0; index < CHUNKS; index++)
        if (chunk_has_twin(index, (unsigned)number, cookie))
            return true;
    return false;
}

void descriptor_visit(
    void (*visit)(int number, const struct descriptor *entry, void *context), void *context)
{
    for (unsigned number = 0; number < CHUNKS * CHUNK_SIZE; number++) {
        const struct descriptor *entry;

        if (!chunk_of(number)) {
            number |= CHUNK_SIZE - 1; /* on to the next chunk */
            continue;
        }
        entry = descriptor_find((int)number);
        if (entry)
            visit((int)number, entry, context);
    }
}
