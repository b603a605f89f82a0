# nbd-server: becomes a daemon; forks for each connection; the child asks its parent over a socket pair, and then opens
# what is exported, which threads of its own read and write.
load ../lib/each

ADDRESS=127.0.0.1:10809
PID_FILE=$WORLD/tmp/nbd.pid

setup() {
    tool nbd-server >/dev/null || skip "needs nbd-server: tests/run gets it"
    disk alice alice alice 600 "alice's private"
    disk bob bob bob 600 "bob's private"
    disk staff root staff 660 "staff's own"
    disk public root root 644 "everybody's"
    disk roots root root 600 "root's private"
    {
        printf '[generic]\nlistenaddr = 127.0.0.1\nport = %s\n' "${ADDRESS##*:}"
        for name in alice bob staff public roots; do
            printf '[%s]\nexportname = %s\n' "$name" "$WORLD/disks/$name"
            [ "$name" != public ] || echo "readonly = true"
        done
    } | public conf
}

disk() { # NAME OWNER GROUP MODE TEXT
    mkdir -p "$WORLD/disks"
    echo "$5" >"$WORLD/disks/$1"
    truncate -s 4096 "$WORLD/disks/$1"
    chown "$2:$3" "$WORLD/disks/$1"
    chmod "$4" "$WORLD/disks/$1"
}

serve_nbd() { # COMMAND that is to execute it...
    "$(tool nbd-server)" --version 2>&1 | head -n 1 >&3
    rm -f "$PID_FILE"
    "$@" "$(tool nbd-server)" -C "$BATS_TEST_TMPDIR/conf" -p "$PID_FILE" \
        </dev/null >"$WORLD/tmp/nbd.log" 2>&1
    await 10 test -s "$PID_FILE"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || cat "$WORLD/tmp/nbd.log" >&2
    [ -s "$PID_FILE" ] || return 0
    pid=$(cat "$PID_FILE")
    kill -TERM "$pid"
    await 10 has_ended "$pid" || explain "nbd-server ($pid) did not end on TERM"
}

attach() { # USER EXPORT [TEXT]
    as "$1" timeout 20 /usr/bin/python3 "$SOURCE/tests/servers/nbd.py" "$ADDRESS" "${@:2}" 2>&1
}

reads() { # USER EXPORT TEXT
    local said
    said=$(attach "$1" "$2") || true
    [ "$said" = "$3" ] || explain "$1 read $2: \"$said\", not \"$3\""
}

denied() { # USER EXPORT [TEXT]
    local said
    ! said=$(attach "$@") || explain "$1 had $2: \"$said\""
}

each_his_own() {
    reads alice alice "alice's private"
    reads bob bob "bob's private"
    denied bob alice
    denied alice bob
    denied stranger alice
    denied alice roots
    reads carol staff "staff's own"
    denied bob staff
    reads stranger public "everybody's"
}

@test "nbd-server: each his own, a stranger what everybody may have" {
    serve_nbd "$WSAPEER" run --
    each_his_own
    each_his_own
}

@test "nbd-server: who writes must be allowed to" {
    serve_nbd "$WSAPEER" run --
    [ "$(attach alice alice "written by alice")" = "written by alice" ]
    [ "$(head -n 1 "$WORLD/disks/alice")" = "written by alice" ]
    [ "$(attach carol staff "written by carol")" = "written by carol" ]
    denied bob alice "written by bob"
    denied stranger public "written by a stranger"
    [ "$(head -n 1 "$WORLD/disks/alice")" = "written by alice" ]
    [ "$(head -n 1 "$WORLD/disks/public")" = "everybody's" ]
}

# The child asks what was the accepting process when it forked: its handler, which waits for it.
@test "nbd-server, --isolate=connection: each his own" {
    serve_nbd "$WSAPEER" run --isolate=connection --
    each_his_own
    each_his_own
}

@test "nbd-server without us: everybody has everything" {
    serve_nbd
    reads stranger alice "alice's private"
}
