# 30: the very peer whom the server is serving tries to hurt it, on each of its threads: kill, stop,
# queue a signal, by pidfd too, ptrace, read its memory, renice, reschedule, bind to a CPU, change its
# i/o priority and its limits, open its files in /proc, take its descriptors.
#
# Seen to fail: with the peer as the outer ids, too, alice could prlimit, queue a signal and kill: the
# server was dead. (renice, scheduler and affinity ask about the effective id, which is hers: there the
# kernel's comparison of the permitted sets keeps her out, since she has not the key.)
load fixtures/victim

intrude() { # USER PID
    same "$(as "$1" "$FIXTURES/intruder" "$2")" "" "$1 could"
}

@test "30: a peer in his scope can do nothing to any thread of the server" {
    attack -- --model=thread --early=pthread
    pid=$(cat "$(servers_directory)/victim.pid")
    visit a alice
    visit b bob
    says a "read $WORLD/home/alice/private" "alice's private"
    intrude alice "$pid"
    intrude bob "$pid"
    intrude stranger "$pid"
    is_peer alice "$(say a ids)"
    is_peer bob "$(say b ids)"
    leave a
    leave b
}

@test "30: nor to a server that handles one client after the other" {
    attack -- --model=iterative
    pid=$(cat "$(servers_directory)/victim.pid")
    visit a alice
    says a "read $WORLD/home/alice/private" "alice's private"
    intrude alice "$pid"
    is_peer alice "$(say a ids)"
    leave a
}

# Seen to fail: with one guard id for all services (guard_pick() always beginning at the first, and
# without asking which are in use) `raw kill` from the other service killed the first.
@test "30: another wrapped service cannot either, at ground, in the same peer's scope, or by exec" {
    attack -- --model=thread
    pid=$(cat "$(servers_directory)/victim.pid")
    visit a alice
    is_peer alice "$(say a ids)"
    serve other 127.0.0.1:7001 -- "$WSAPEER" run -- "$FIXTURES/victim" --listen=127.0.0.1:7001 \
        --model=thread --early=pthread
    export ADDRESS=127.0.0.1:7001
    is_peer alice "$(ask_as alice ids)"
    answers alice "raw kill $pid 9" EPERM
    answers alice "by thread raw kill $pid 9" EPERM
    answers alice "give pthread raw kill $pid 9" EPERM
    answers alice "exec execve $FIXTURES/intruder $pid" ""
    answers alice "vfork raw $FIXTURES/intruder $pid" ""
    answers alice "by thread exec execve $FIXTURES/intruder $pid" ""
    export ADDRESS=127.0.0.1:7000
    is_peer alice "$(say a ids)"
    leave a
}
