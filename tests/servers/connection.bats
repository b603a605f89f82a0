# A sealed process for each connection: --isolate=connection.
bats_require_minimum_version 1.5.0
load ../lib/world
load ../lib/rights
load fileserver

ADDRESS=127.0.0.1:7000

serve_watchful() { # [RUN OPTION...]
    serve watchful "$ADDRESS" -- "$WSAPEER" run --isolate=connection "$@" -- \
        /usr/bin/python3 "$SOURCE/tests/servers/watchful.py" "$ADDRESS" "$WORLD/home" "$WORLD/tmp/report"
}

@test "an iterative server: 400 requests, 16 at once, each his own, and children are the peer" {
    serve_files files iterative "$ADDRESS" --isolate=connection
    many_lines "$ADDRESS"
    after_waiting "$ADDRESS"
    child_is_peer "$ADDRESS"
}

@test "python3 -m http.server, whose handlers are threads: each his own" {
    serve http "$ADDRESS" -- "$WSAPEER" run --isolate=connection -- \
        /usr/bin/python3 -m http.server -b 127.0.0.1 -d "$WORLD/home" 7000
    everything_right "$ADDRESS"
}

asks() { # USER LINE...: on one connection; a line for a line
    local user=$1
    shift
    as "$user" timeout 20 /usr/bin/python3 -c 'if True:
        import socket, sys
        server = socket.create_connection(("127.0.0.1", 7000), 20)
        answers = server.makefile()
        for line in sys.argv[1:]:
            server.sendall(line.encode() + b"\n")
            print(answers.readline(), end="")' "$@"
}

# hold USER: opens a connection and keeps it until let_go; prints nothing.
hold() {
    mkfifo "$WORLD/tmp/held"
    as "$1" /usr/bin/python3 -c 'if True:
        import socket, sys
        server = socket.create_connection(("127.0.0.1", 7000), 20)
        server.sendall(b"slowly /alice/private\n")
        print("held", flush=True)
        sys.stdin.readline()
        server.sendall(b"go on\n")
        print(server.makefile().readline(), end="")' <>"$WORLD/tmp/held" >"$WORLD/tmp/heard" &
    echo $! >"$WORLD/tmp/holder"
    await 20 grep -q held "$WORLD/tmp/heard"
}

let_go() {
    echo >"$WORLD/tmp/held"
    wait "$(cat "$WORLD/tmp/holder")" || true
    rm "$WORLD/tmp/held"
}

@test "an iterative server serves many at once" {
    serve_watchful
    hold alice
    [ "$(asks bob /bob/private)" = "ok bob's private" ]
    [[ $(asks bob /alice/private) = "error [Errno 13]"* ]]
    let_go
    grep -qx "ok alice's private" "$WORLD/tmp/heard"
}

@test "--max-processes: who comes then waits, and has his answer when one ends" {
    serve_watchful --max-processes=1
    hold alice
    asks bob /bob/private >"$WORLD/tmp/bobs" &
    local bob=$!
    await 20 has_waiting
    [ ! -s "$WORLD/tmp/bobs" ]
    let_go
    wait "$bob"
    grep -qx "ok bob's private" "$WORLD/tmp/bobs"
}

has_waiting() {
    [ "$(ss -Hltn "sport = :7000" | awk '{ print $2 }')" = 1 ]
}

@test "the server does not notice: no SIGCHLD, no child to wait for, nothing printed twice" {
    serve_watchful
    for _ in 1 2 3 4 5; do
        [ "$(asks alice /alice/private /alice/public)" = "ok alice's private
ok alice's public" ]
    done
    stop watchful
    [ "$(cat "$WORLD/tmp/report")" = "0 signals, 0 other children" ] ||
        explain "$(cat "$WORLD/tmp/report")"
    [ "$(grep -c 'buffered once' "$(log_of watchful)")" = 1 ] || show_log watchful
}

@test "a handler ends by itself when it turns to the next client" {
    serve_watchful
    asks alice /alice/private >/dev/null
    await 10 has_only_its_own
}

has_only_its_own() {
    [ "$(pgrep -fc "^/usr/bin/python3 .*watchful.py $ADDRESS")" = 2 ]
}

@test "a server with an epoll set is refused, and the log names --isolate=account" {
    serve loop "$ADDRESS" -- "$WSAPEER" run --isolate=connection -- \
        /usr/bin/python3 "$SOURCE/tests/cli/tenant.py" "$ADDRESS"
    run ! asks alice "1 + 1"
    await 10 grep -q "several threads or an epoll set.*--isolate=account" "$(log_of loop)"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    [ ! -e "$WORLD/tmp/held" ] || let_go
    stop_all
}
