# 7 to 10: nothing of one sender's datagram reaches another's process, and none reaches a server by a
# way that tells nobody who sent it.
bats_require_minimum_version 1.5.0
load ../servers/habits

FIXTURES=$BUILD/tests/attacks/fixtures
STDIO=$BUILD/tests/servers/stdio_datagrams

setup() {
    chmod 755 "$WORLD/tmp"
    ADDRESS=@habit
}

# Seen to fail: with the peek let through (scope_receive_datagram()) it returned in the process that
# accepts, and bob's handler went on with alice's request: he had no answer.
@test "7: a look at a datagram, MSG_PEEK, is denied where each has a handler, and logged" {
    ADDRESS=127.0.0.1:7000
    serve_habit peek --isolate=connection --
    begin alice alice linger "$ADDRESS" /bob/private
    await 10 has_heard alice 1
    same "$(client bob datagram "$ADDRESS" /bob/private)" "ok bob's private"
    finish alice
    same "$(cat "$(heard_of alice)")" "error \[Errno 13\]*none"
    logged "tried MSG_PEEK \(try --isolate=scope\).*denied"
}

@test "7: with scopes a look begins the sender's, and each gets his own" {
    ADDRESS=127.0.0.1:7000
    serve_habit peek --isolate=scope --
    same "$(client alice datagram "$ADDRESS" /bob/private)" "error \[Errno 13\]*"
    same "$(client bob datagram "$ADDRESS" /bob/private)" "ok bob's private"
    same "$(client alice datagram "$ADDRESS" /alice/private)" "ok alice's private"
    never_logged MSG_PEEK
}

# by_stdio MODEL WHY RUN OPTION...: the server never has bob's bytes.
by_stdio() {
    local model=$1 why=$2
    shift 2
    serve habit udp:127.0.0.1:7000 -- "$WSAPEER" run "$@" -- "$STDIO" "$model" 7000
    logged "^$why"
    client bob send 127.0.0.1:7000 /alice/private 1
    never_logged "^read: "
}

# Seen to fail: without the look in fdopen() the server waited in fgets(3).
@test "7: fdopen(3) of a socket whose senders are served is denied, and logged" {
    for options in --isolate=scope "--gate --deny=bob" --isolate=connection; do
        # shellcheck disable=SC2086 # several words
        by_stdio fdopen "stdio: Operation not supported" $options
        logged "tried fdopen\(3\).*denied"
        stop_all
    done
}

# Seen to fail: without the look in splice() the server waited there.
@test "7: so is splice(2)" {
    for options in --isolate=scope "--gate --deny=bob" --isolate=connection; do
        # shellcheck disable=SC2086
        by_stdio splice "splice: Invalid argument" $options
        logged "tried splice\(2\).*denied"
        stop_all
    done
}

# Seen to fail: without STDIO_MAY_NOT_READ the server waited in fgets(3).
@test "7: and stdio's stdin, for a server that was started with its socket as descriptor 0" {
    for options in --isolate=scope "--gate --deny=bob"; do
        # shellcheck disable=SC2086
        serve habit udp:127.0.0.1:7000 -- /usr/bin/python3 -c 'if True:
            import os, socket, sys
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(("127.0.0.1", 7000))
            os.dup2(server.fileno(), 0)
            os.execv(sys.argv[1], sys.argv[1:])' "$WSAPEER" run $options -- "$STDIO" stdin
        logged "^stdio: Bad file descriptor"
        client bob send 127.0.0.1:7000 /alice/private 1
        never_logged "^read: "
        stop_all
    done
}

# Seen to fail: without wipe() a handler had 28 bytes of another's datagram, 5 of its control data, and
# six descriptors more.
@test "7: a handler has nothing of another's datagram: bytes, name, control data, descriptors" {
    local before
    ADDRESS=$WORLD/tmp/hoarder
    serve habit "$ADDRESS" -- "$WSAPEER" run --isolate=connection -- "$FIXTURES/hoarder" "$ADDRESS"
    before=$(client bob datagram "$ADDRESS" b)
    same "$before" "bytes 0 name 0 control 0 descriptors *"
    for _ in 1 2 3; do
        same "$(client alice datagram "$ADDRESS" "alice's password is swordfish" \
            "$WORLD/home/alice/private" "$WORLD/home/alice/private")" "bytes 0 name 0 control 0 *"
    done
    same "$(client bob datagram "$ADDRESS" b)" "$before"
}

# Not all: the process that accepts has one for each handler until it looks at them again.
pidfds_of() {
    find "/proc/$1/fd" -lname '*pidfd*' | wc -l
}

has_pidfds() {
    [ "$(pidfds_of "$1")" = "$2" ]
}

# pidfds_are_closed USER ROOM WANT RUN OPTION...: the server, asked often, has no more of them.
pidfds_are_closed() {
    local user=$1 room=$2 want=$3 before pid
    shift 3
    serve_habit pidfd "$@" -- "$room" "$want"
    same "$(client alice datagram "$ADDRESS" /alice/private)" "ok alice's private"
    pid=$(server)
    before=$(pidfds_of "$pid")
    client "$user" send "$ADDRESS" /shared/public 10
    same "$(client alice datagram "$ADDRESS" /alice/private)" "ok alice's private"
    await 10 has_pidfds "$pid" "$before" ||
        explain "$before pidfds before, now $(pidfds_of "$pid")"
    stop_all
}

@test "7: no descriptor stays of who sent it (SO_PASSPIDFD), handed on, cut or refused" {
    python3 -c 'import socket
socket.socket(socket.AF_UNIX).setsockopt(socket.SOL_SOCKET, 76, 1)' 2>/dev/null ||
        skip "needs SO_PASSPIDFD: Linux 6.5"
    pidfds_are_closed alice 500 none --isolate=connection
    pidfds_are_closed alice 32 credentials --isolate=scope
    pidfds_are_closed alice 8 none --isolate=scope
    pidfds_are_closed bob 500 none --isolate=scope --deny=bob
    pidfds_are_closed bob 500 none --gate --deny=bob
}

is_locked() {
    ! /usr/bin/python3 -c 'if True:
        import fcntl, sys
        fcntl.lockf(open(sys.argv[1], "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB)' "$1" 2>/dev/null
}

# Whoever closes a descriptor of a file loses the locks on it (fcntl(2)): that of the server is there
# for as long as it never had, and closed, what it was sent.
keeps_its_lock() { # USER ROOM RUN OPTION...
    local user=$1 room=$2
    shift 2
    serve_habit lock "$@" -- "$WORLD/tmp/lock" "$room"
    is_locked "$WORLD/tmp/lock"
    client "$user" datagram "$ADDRESS" /shared/public "$WORLD/tmp/lock" "$WORLD/tmp/lock" >/dev/null
    same "$(client alice datagram "$ADDRESS" /alice/private)" "ok alice's private"
    is_locked "$WORLD/tmp/lock" || explain "$user took the server's lock ($room, $*)"
    stop_all
}

# Seen to fail: without look() bob took the lock of a server that has room for control data.
@test "7: descriptors of a datagram that is refused are never the server's, even for a moment" {
    echo mine >"$WORLD/tmp/lock"
    keeps_its_lock bob 0 --isolate=scope --deny=bob
    keeps_its_lock bob 500 --isolate=scope --deny=bob
    keeps_its_lock bob 0 --gate --deny=bob
    keeps_its_lock bob 500 --gate --deny=bob
    keeps_its_lock bob 500 --isolate=connection --deny=bob
}

@test "7: nor of one that is served, where the server has no room for them" {
    echo mine >"$WORLD/tmp/lock"
    keeps_its_lock alice 0 --isolate=scope
    keeps_its_lock alice 0 --gate
    keeps_its_lock alice 0 --isolate=connection
}
