/* transparent_kinds.h: listeners of every kind, for the tests that run with and without the
 * library. */
#pragma once

#include "transparent.h"

/* One kind of listener; bound by make(). */
struct kind {
    int family, type;
    bool dual;     /* IPv6 for IPv4 clients, too */
    bool has_path; /* AF_UNIX: else an abstract name */
    int client;    /* the family of its clients */
    int listener;
    struct sockaddr_storage address;
    socklen_t length;
};

extern struct kind v4, v6, dual, path, abstract, packets;

/* For cmocka's tables, the state being a struct kind. */
int bind_and_listen(void **state);
int close_listener(void **state);

/* A client of it, connected. */
int client_of(const struct kind *kind);

/* A client is accepted from `listener`, a descriptor of it, with its address, and speaks. */
void serves(const struct kind *kind, int listener);

/* An option that is one number. */
int option_of(int number, int level, int name);

#define WITH(test, kind)                                                                           \
    {                                                                                              \
#test ", " #kind, test, bind_and_listen, close_listener, &kind                             \
    }
#define WITH_ALL(test)                                                                             \
    WITH(test, v4), WITH(test, v6), WITH(test, dual), WITH(test, path), WITH(test, abstract),      \
        WITH(test, packets)
