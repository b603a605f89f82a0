# 44: clients that reach a server by other ways than the calls that the library is asked by: passed
# from another process, through a listener that was there from the start, read by stdio(3).
#
# Seen to fail: without scope_passed() the worker was root for every client, and bob read alice's
# file; with connections alone looked at there, the worker that was passed a listener read root's
# file for alice before it accepted her; without passed_find_inherited() so did the server that
# found its listener open; without scope_fetched() the worker read root's file; with a scope begun by each accept (may_begin_scope() always true) alice was
# answered bob's file.
load fixtures/victim

ROOT=$WORLD/home/shared/root

attack_by() { # FIXTURE ARGUMENT...
    local fixture=$1
    shift
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/$fixture" "$@"
}

clients() {
    [ "$(ss -Htn state established "sport = :${ADDRESS##*:}" | wc -l)" = "$1" ]
}

@test "44: a worker that is passed its clients' connections acts for each, and for nobody else" {
    for how in connection connections; do
        attack_by passed "$how" "${ADDRESS##*:}" "$ROOT"
        answers alice "$ALICE" "alice's private"
        answers bob "$ALICE" EACCES
        answers bob "$ROOT" EACCES
        answers bob "$BOB" "bob's private"
        stop_all
    done
}

# At ground it can fetch no more: the one connection is all that such a worker serves.
@test "44: a worker that fetches its client's connection acts for it" {
    for user in alice bob; do
        attack_by passed fetched "${ADDRESS##*:}" "$ROOT"
        same "$(ask_as "$user" "$ROOT" "$ALICE" "$BOB" | sort | paste -sd,)" \
            "EACCES,EACCES,$user's private"
        stop_all
    done
}

@test "44: a worker that is passed a listener does nothing as root once it waits for it" {
    attack_by passed listener "${ADDRESS##*:}" "$ROOT"
    for user in alice bob; do
        answers "$user" hello EACCES
    done
}

@test "44: nor does a server that found its listener open" {
    attack_by passed inherited "${ADDRESS##*:}" "$ROOT"
    for user in alice bob; do
        answers "$user" hello EACCES
    done
}

@test "44: of two players who are heard by stdio, neither is taken for the other" {
    attack_by players "${ADDRESS##*:}"
    for _ in 1 2 3; do
        visit first alice
        await 10 clients 1
        visit second bob
        await 10 clients 2
        tell first "$BOB"
        tell second "$ALICE"
        same "$(hear first)" EACCES "alice, the first"
        same "$(hear second)" EACCES "bob, the second"
        leave first
        leave second
    done
}
