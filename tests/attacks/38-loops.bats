# 38, 41: event loops of all kinds, with scopes: nobody is served with anybody's rights, and the log
# says once what the server is and what to do about it.
load fixtures/victim

WAITS="epoll epoll-et epoll-oneshot poll select"

# By itself a loop by epoll has instances; one by poll or select shows too late what it is.
attack_loop() { # WAIT [VICTIM OPTION...]
    local wait=$1 options=()
    shift
    [[ $wait != epoll* ]] || options=(--isolate=scope)
    attack "${options[@]}" -- --model=loop --wait="$wait" "$@"
}

says_what_it_is() {
    logged "waits for several peers at once (an event loop)"
    same "$(grep -c 'event loop' "$(log_of victim)")" 1 "lines about the loop"
    grep -F 'event loop' "$(log_of victim)" | grep -qF -- '--inline' || explain "no way out named"
}

# Seen to fail: with is_loop never set alice was served here, and in the next two tests each got the
# other's file.
@test "38: a loop that answers at once: nobody's file, and the log says why" {
    for wait in $WAITS; do
        attack_loop "$wait"
        nobody_served 50
        says_what_it_is
        stop_all
    done
}

@test "41: a loop that reads everybody who is ready before it answers: nobody's file" {
    for wait in $WAITS; do
        attack_loop "$wait" --order=batch
        nobody_served 50
        says_what_it_is
        stop_all
    done
}

@test "38: a loop that answers later, as by a timer: nobody's file" {
    for wait in $WAITS; do
        attack_loop "$wait" --order=later
        nobody_served 25
        says_what_it_is
        stop_all
    done
}

# Where one client's bytes can be somebody else's work, a thread is that client only while it reads
# and answers with nothing between.
#
# Seen to fail: without thread_owes_another() 192 of 200 of bob's requests for alice's file were
# answered with it; with it at reads only, not at accept, 1 or 4 of 200, in some runs.
never_the_others() { # ROUNDS
    rounds bob "$1" "read $ALICE" --connections=4 >"$BATS_TEST_TMPDIR/bob" &
    pid=$!
    rounds alice "$1" "read $BOB" --connections=4 >"$BATS_TEST_TMPDIR/alice"
    wait "$pid"
    same "$(cat "$BATS_TEST_TMPDIR/bob")" "$((4 * $1)) EACCES" "bob asked for alice's"
    same "$(cat "$BATS_TEST_TMPDIR/alice")" "$((4 * $1)) EACCES" "alice asked for bob's"
}

@test "41: a loop that asks for each client in turn, or only reads: never the other's file" {
    for wait in each none; do
        for order in now batch later; do
            attack_loop "$wait" --order="$order"
            never_the_others 50
            stop_all
        done
    done
}

# Seen to fail: while the set was looked at before the wait alone, when it was still empty, and a read
# of two clients in turn was no sign of a loop. Either is enough.
@test "41: loops whose clients are given to them while they wait for the first: never the other's" {
    attack --isolate=scope -- --model=loops
    for _ in 1 2 3 4; do
        visit a alice
        visit b bob
        tell a "read $BOB"
        tell b "read $ALICE"
        same "$(hear a)" EACCES "alice"
        same "$(hear b)" EACCES "bob"
        leave a
        leave b
    done
}

@test "38: with --inline a loop that answers at once serves each his own, in hundreds of rounds" {
    for wait in $WAITS; do
        attack --inline -- --model=loop --wait="$wait"
        each_his_own 50 4 "$wait"
        stop_all
    done
}

@test "38: what a thread reads for one that reads nothing is nobody's: EACCES for both" {
    for queue in cond sem pipe eventfd c11; do
        attack --isolate=scope -- --model=loop --order=hand --queue="$queue"
        nobody_served 25
        stop_all
    done
}
