# 22: system calls that ask for other ids fail by themselves, in a scope and at ground, since no id is
# 0 and the key to change any is not in the effective set. 23: setuid(n) and setuid(0) through libc,
# which would reach every thread, from one thread while others are in a scope.
#
# Seen to fail: with the capabilities left effective after a switch, or with 0 as the outer ids, `raw
# setuid 0` succeeded in a scope, and with the former at ground too. With ids_may_set_users() always
# answering IDS_REAL the server was told EPERM of its own id, which daemons take for the end.
load fixtures/victim

raw_calls() { # USER PREFIX
    local call
    for call in "setuid 0" "setreuid - 0" "setresuid 0 0 0" "setresuid - 0 -" "setresuid 1002 1002 1002" \
        "setresuid - 1002 -" "setuid 1002" "setgroups 0" "setgroups 2001" "setresgid 0 0 0" \
        "setgid 42" "setregid - 0"; do
        answers "$1" "$2raw $call" EPERM
    done
}

setup() {
    attack -- --model=thread --early=pthread
}

@test "22: raw calls for other ids fail in a scope" {
    raw_calls alice ""
    visit a alice
    says a "both raw setuid 0 ;; read $WORLD/home/shared/root" "EPERM ;; EACCES"
    is_peer alice "$(say a ids)"
    leave a
}

@test "22: raw calls for other ids fail at ground" {
    raw_calls alice "by thread "
    raw_calls alice "by timer "
    answers alice "by thread read $WORLD/home/shared/root" EACCES
}

@test "22: raw calls for other ids fail on a thread that waited through the start of serving" {
    raw_calls alice "give pthread "
    answers alice "give pthread read $WORLD/home/shared/root" EACCES
}

@test "23: setuid through libc in a scope: its own names change nothing, others are denied" {
    visit a alice
    for call in "setuid 0" "seteuid 0" "setresuid 0 0 0" "setuid 1001" "setgid 0" "setgid 1001" \
        "setgroups 0" "setresgid - - 0"; do
        says a "libc $call" ok
        is_peer alice "$(say a ids)"
    done
    for call in "setuid 1002" "seteuid 33" "setresuid 0 1002 0" "setgid 1002"; do
        says a "libc $call" EPERM
        is_peer alice "$(say a ids)"
    done
    leave a
    logged "asked for other ids while it serves (setuid) and was denied"
}

# What daemons do in the child that they fork for a client: it is the client already.
@test "23: a child that is forked for a client gives up root as it would, and stays the client" {
    local call prefix
    for prefix in "child fork " ""; do
        for call in "setuid 0" "seteuid 0" "setreuid 0 0" "setreuid - 0" "setresuid 0 0 0" \
            "setuid 1001" "setreuid 1001 1001" "setresuid 1001 1001 1001" "setgid 0" "setegid 0" \
            "setregid 0 0" "setresgid 0 0 0" "setgid 1001" "setregid 1001 1001" "setgroups 0" \
            "initgroups 0" "capset -" "keepcaps 1" "keepcaps 0" \
            "securebits 0" "securebits 5" "setfsuid 1001" "setfsgid 1001"; do
            answers alice "${prefix}libc $call" ok
        done
        for call in "setuid 1002" "setreuid 1002 1002" "setresuid 33 33 33" "setgid 1002" \
            "setregid 1002 1002" "capset 7" "setfsuid 0" "setfsuid 1002" "setfsgid 0"; do
            answers alice "${prefix}libc $call" EPERM
        done
    done
}

# Other ids are denied, and so is everything that somebody else has.
chowns_nothing_else() { # PREFIX PATH
    for ids in "1002 -" "- 1002" "0 1002" "1002 0" "61184 -" "0 61184" "33 33"; do
        answers alice "$1chown $ids $2" EPERM
    done
    for path in "$WORLD/home/bob/public" "$WORLD/home/shared/root" "$WORLD/tmp"; do
        answers alice "$1chown 0 0 $path" EPERM
        answers alice "$1chown 1001 1001 $path" EPERM
    done
    same "$(stat -c %u:%g "$2" "$WORLD/home/bob/public" "$WORLD/home/shared/root" | paste -sd' ')" \
        "1001:1001 1002:1002 0:0"
}

@test "23: chown through libc in a scope: what is the peer's stays so, and nothing else is told to" {
    local made=$WORLD/home/alice/made
    answers alice "create $made" ok
    for prefix in "" "child fork "; do
        for ids in "0 0" "0 -" "- 0" "1001 0" "0 1001"; do
            answers alice "${prefix}chown $ids $made" ok
        done
        chowns_nothing_else "$prefix" "$made"
    done
    answers alice "by thread chown 0 0 $made" EPERM
    rm "$made"
}

@test "23: setuid by other threads while two are in scopes: nobody rises, nothing aborts" {
    visit a alice
    visit b bob
    is_peer alice "$(say a ids)"
    for call in "setuid 0" "setuid 1001" "setuid 1002" "seteuid 0" "setresuid 0 0 0" "setgid 1002"; do
        say b "by thread libc $call" >/dev/null
        say b "by c11 libc $call" >/dev/null
        say b "give pthread libc $call" >/dev/null
        is_peer alice "$(say a ids)"
        is_peer bob "$(say b ids)"
        is_ground "$(say b "by thread ids")"
    done
    says a "read $WORLD/home/alice/private" "alice's private"
    says b "read $WORLD/home/alice/private" EACCES
    leave a
    leave b
}

@test "23: a hundred rounds of setuid in many threads at once, two users' files stay their own" {
    rounds bob 100 "by thread libc setuid 1001" --connections=4 >"$BATS_TEST_TMPDIR/other" &
    pid=$!
    same "$(rounds alice 100 "read $WORLD/home/alice/private" --connections=2)" "200 alice's private"
    same "$(rounds bob 100 "read $WORLD/home/alice/private" --connections=2)" "200 EACCES"
    wait "$pid"
    same "$(cat "$BATS_TEST_TMPDIR/other")" "400 EPERM"
}
