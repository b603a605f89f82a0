/*
 * test_stand_ins.c: a place in the table of stand-ins is somebody's for as long as its socket is
 * known by some number, whatever other threads do; and what was bound is known for as long as
 * there is room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "instance/stand_ins.h"
#include "kernel.h"
#include "scope/descriptors.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 20000, MANY = 500 };

static bool is_over;

/* Another thread that needs places all the time, and so looks for those that are free. */
static void *claim_all_the_time(void *unused)
{
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
        struct listing *listing = listing_claim();

        if (listing)
            listing_publish(listing, LISTING_FREE);
    }
    return unused;
}

static pthread_t begin_claiming(void)
{
    pthread_t thread;

    is_over = false;
    assert_int_equal(pthread_create(&thread, NULL, claim_all_the_time, NULL), 0);
    return thread;
}

static void end_claiming(pthread_t thread)
{
    __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static struct listing *listen_as(int number)
{
    struct listing *listing = listing_claim();

    assert_non_null(listing);
    assert_int_equal(kernel_socket_cookie(number, &listing->cookie), 0);
    assert_int_equal(listing_record(listing, number), 0);
    listing_publish(listing, LISTING_LISTENING);
    return listing;
}

static void one_that_has_just_come_stays(void **state)
{
    int number = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t other = begin_claiming();
    unsigned lost = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct listing *listing = listen_as(number);

        for (int look = 0; look < 20; look++)
            lost += listing_of(number) != listing;
        descriptor_forget(number);
    }
    end_claiming(other);
    close(number);
    assert_int_equal(lost, 0);
}

/* From a high number to a low one, so that a look from the first to the last sees neither. */
static void one_that_moves_stays(void **state)
{
    int low = socket(AF_INET, SOCK_STREAM, 0), high = dup2(low, 900);
    struct listing *listing = listen_as(high);
    pthread_t other = begin_claiming();
    unsigned lost = 0;

    (void)state;
    for (int i = 0; i < ROUNDS * 10; i++) {
        descriptor_copy(high, low);
        descriptor_forget(high);
        lost += listing_of(low) != listing;
        descriptor_copy(low, high);
        descriptor_forget(low);
        lost += listing_of(high) != listing;
    }
    end_claiming(other);
    descriptor_forget(high);
    close(low);
    close(high);
    assert_int_equal(lost, 0);
}

static uint64_t note_bound(int number, in_port_t port)
{
    struct listing *listing = listing_claim();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};

    assert_non_null(listing);
    assert_int_equal(kernel_socket_cookie(number, &listing->cookie), 0);
    listing->number = number;
    listing->address_length = sizeof address;
    memcpy(&listing->address, &address, sizeof address);
    listing_publish(listing, LISTING_BOUND);
    return listing->cookie;
}

/* A port, or -1. */
static int asked_by(uint64_t cookie)
{
    struct sockaddr_storage address;
    uint32_t length;

    if (!listing_bound_address(cookie, &address, &length))
        return -1;
    assert_int_equal(length, sizeof(struct sockaddr_in));
    return ((struct sockaddr_in *)&address)->sin_port;
}

static void what_was_bound_is_known_by_its_copy(void **state)
{
    int number = socket(AF_INET, SOCK_STREAM, 0), copy = dup(number);
    uint64_t cookie = note_bound(number, 17);

    (void)state;
    close(number);
    for (int i = 0; i < 10; i++)
        listing_publish(listing_claim(), LISTING_FREE);
    assert_int_equal(asked_by(cookie), 17);
    close(copy);
}

/* Who binds the sockets of many clients has room for a listener all the same. */
static void what_was_bound_gives_way(void **state)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), numbers[MANY];
    struct listing *listing = listen_as(listener);
    uint64_t cookie = 0;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        numbers[i] = socket(AF_INET, SOCK_STREAM, 0);
        cookie = note_bound(numbers[i], (in_port_t)i);
    }
    assert_int_equal(asked_by(cookie), MANY - 1);
    assert_ptr_equal(listing_of(listener), listing);
    for (int i = 0; i < MANY; i++)
        close(numbers[i]);
    descriptor_forget(listener);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_has_just_come_stays),
        cmocka_unit_test(one_that_moves_stays),
        cmocka_unit_test(what_was_bound_is_known_by_its_copy),
        cmocka_unit_test(what_was_bound_gives_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
