# Datagrams: each is served with the rights of who sent it, over UDP by the stamp that the packet
# bears, over AF_UNIX by the credentials that come with it.
bats_require_minimum_version 1.5.0
load ../lib/world

PROGRAM=$SOURCE/tests/servers/datagrams.py

# serve_datagrams MODEL ADDRESS [RUN OPTION...]
serve_datagrams() {
    local model=$1 address=$2
    shift 2
    serve datagrams "$(awaited "$address")" -- "$WSAPEER" run "$@" -- \
        /usr/bin/python3 "$PROGRAM" serve "$model" "$address" "$WORLD/home"
}

awaited() {
    [[ $1 = [/@]* ]] && echo "$1" || echo "udp:$1"
}

said() { # USER ADDRESS PATH
    as "$1" /usr/bin/python3 "$PROGRAM" ask "$2" "$3"
}

same() { # SAID PATTERN
    # shellcheck disable=SC2053 # a pattern
    [[ $1 = $2 ]] || explain "\"$1\", not \"$2\""
}

each_his_own() { # ADDRESS
    same "$(said alice "$1" /alice/private)" "ok alice's private"
    same "$(said bob "$1" /bob/private)" "ok bob's private"
    same "$(said bob "$1" /alice/private)" "error \[Errno 13\]*"
    same "$(said stranger "$1" /alice/private)" "error \[Errno 13\]*"
    same "$(said carol "$1" /shared/staff)" "ok staff's own"
    same "$(said stranger "$1" /shared/public)" "ok everybody's"
    same "$(said root "$1" /shared/public)" none
    same "$(said alice "$1" /alice/private)" "ok alice's private"
}

all_at_once() { # ADDRESS
    /usr/bin/python3 "$PROGRAM" load "$1" || explain "wrong answers at $1"
}

logged() {
    await 10 grep -qE -- "$1" "$(log_of datagrams)" || explain "no such line in the log: $1"
}

@test "datagrams over IPv4: each his own, root nothing, and 400 requests of four users at once" {
    serve_datagrams poll 127.0.0.1:7000 --verbose
    each_his_own 127.0.0.1:7000
    all_at_once 127.0.0.1:7000
    logged 'uid 1001 alice, by stamp\) at 127\.0\.0\.1:7000 as alice'
}

@test "datagrams over IPv6, and IPv4 on the same socket" {
    serve_datagrams poll "[::]:7000"
    each_his_own "[::1]:7000"
    each_his_own 127.0.0.1:7000
    all_at_once "[::1]:7000"
}

@test "datagrams over AF_UNIX, by a path and by an abstract name" {
    for address in "$WORLD/tmp/datagrams" @datagrams; do
        serve_datagrams poll "$address" --verbose
        each_his_own "$address"
        all_at_once "$address"
        logged 'uid 1001 alice, by scm_credentials\)'
        stop_all
    done
}

@test "datagrams: a server that forks for each: the children are the senders" {
    serve_datagrams forking 127.0.0.1:7000
    each_his_own 127.0.0.1:7000
    all_at_once 127.0.0.1:7000
}

@test "datagrams: in an event loop nobody has a file of his own, and the log says why" {
    serve_datagrams asyncio 127.0.0.1:7000 --isolate=scope
    same "$(said alice 127.0.0.1:7000 /alice/private)" "error \[Errno 13\]*"
    same "$(said alice 127.0.0.1:7000 /shared/public)" "ok everybody's"
    logged "event loop"
}

@test "datagrams: --inline serves each his own in a loop that answers at once" {
    serve_datagrams asyncio 127.0.0.1:7000 --inline
    each_his_own 127.0.0.1:7000
    all_at_once 127.0.0.1:7000
}

@test "datagrams: --gate lets in who is allowed, and drops the others" {
    serve_datagrams poll 127.0.0.1:7000 --gate --allow=alice
    same "$(said alice 127.0.0.1:7000 /bob/private)" "ok bob's private"
    same "$(said bob 127.0.0.1:7000 /bob/private)" none
    logged "refused 127\.0\.0\.1:[0-9]+ \(uid 1002 bob, by stamp\)"
}

@test "datagrams: --datagrams=refuse serves nobody over IP, and AF_UNIX all the same" {
    serve_datagrams poll 127.0.0.1:7000 --datagrams=refuse
    same "$(said alice 127.0.0.1:7000 /shared/public)" none
    logged "without a stamp"
    stop_all
    serve_datagrams poll @datagrams --datagrams=refuse
    same "$(said alice @datagrams /alice/private)" "ok alice's private"
}

@test "datagrams: without the privilege for stamps run says so, and serves nobody over IP" {
    serve_as alice datagrams udp:127.0.0.1:7000 -- "$WSAPEER" run --gate -- \
        /usr/bin/python3 "$PROGRAM" serve poll 127.0.0.1:7000 "$WORLD/home"
    same "$(said alice 127.0.0.1:7000 /shared/public)" none
    logged "datagrams over IP from this host are refused: .*(permitted|denied)"
}

# How many BPF links of ours some process has open.
links() {
    local info count=0
    for info in /proc/[0-9]*/fdinfo/*; do
        ! grep -qs "link_type:.*cgroup" "$info" || count=$((count + 1))
    done
    echo "$count"
}

@test "datagrams: stamps are there for as long as the server lives, and gone without trace" {
    same "$(links)" 0
    serve_datagrams poll 127.0.0.1:7000
    same "$(links)" 2
    stop_all
    same "$(links)" 0
}

@test "datagrams: a process for each, --isolate=connection" {
    serve_datagrams poll 127.0.0.1:7000 --isolate=connection
    each_his_own 127.0.0.1:7000
    all_at_once 127.0.0.1:7000
}

@test "datagrams: instances get none, and the log says why" {
    serve_datagrams poll 127.0.0.1:7000 --isolate=account
    same "$(said alice 127.0.0.1:7000 /alice/private)" none
    await 10 grep -q "refused .*instances get no datagrams" "$(log_of datagrams)"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}
