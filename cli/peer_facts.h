/*
 * peer_facts.h: what `wsapeer id` prints, gathered first and printed then.
 *
 * Invariant: groups are either all of them, with verdict ACCOUNT_SERVED, or none, and verdict says
 * why. Every name that is printed has gone through escape_text().
 *
 * Used by id.c (gathering), id_text.c and id_json.c (printing to stdout, whose errors id.c judges).
 */
#pragma once

#include "account/account.h"

enum id_choice {
    ID_EVERYTHING,
    ID_USER,   /* -u */
    ID_GROUP,  /* -g */
    ID_GROUPS, /* -G */
};

struct id_format {
    enum id_choice choice;
    bool names; /* -n */
    bool zero;  /* -z */
};

struct peer_facts {
    struct identity identity;
    enum account_verdict verdict; /* of the groups: attested (peercred), else by NSS */
    int error;                    /* errno with ACCOUNT_DIRECTORY_ERROR, else 0 */
    struct account account;       /* with verdict ACCOUNT_SERVED; its gid stands in groups[0] */
};

/* "192.0.2.7", "2001:db8::1": `text` holds `size` bytes, INET6_ADDRSTRLEN will do. */
const char *id_address(const struct identity_endpoint *endpoint, char *text, size_t size);

/* A user as id(1) prints it. Returns EXIT_YES, or EXIT_NO if -n found no name (and complains). */
int id_print_text(const struct peer_facts *facts, const struct id_format *format);

/* "host=ADDRESS", for a peer that is none of this host's users. */
void id_print_host(const struct peer_facts *facts);

/* One JSON object and a newline, as wsapeer-id(1) documents it. 0, or -ENOMEM. */
int id_print_json(const struct peer_facts *facts);
