# What daemons of the old school do before they serve, and between: each client has its own rights all
# the same, or none.
load ../lib/world
load fileserver

ADDRESS=127.0.0.1:7000

serve_difficult() { # WAY [RUN OPTION...]
    local way=$1
    shift
    serve difficult "$ADDRESS" -- "$WSAPEER" run "$@" -- \
        /usr/bin/python3 "$SOURCE/tests/servers/difficult.py" "$way" "$ADDRESS" "$WORLD/home"
}

each_his_own() {
    own_line "$ADDRESS"
    others_line "$ADDRESS"
    group_line "$ADDRESS"
    public_line "$ADDRESS"
}

@test "a daemon that closes every descriptor it did not open" {
    serve_difficult close
    each_his_own
}

@test "one whose worker is executed with an empty environment" {
    serve_difficult bare
    each_his_own
}

@test "one that confines itself to a directory before it serves" {
    serve_difficult chroot
    each_his_own
}

# The channel to the resolver is gone: whoever is not known cannot be asked for, and is refused.
@test "one that closes everything behind libc's back serves nobody, and nobody is served as root" {
    serve_difficult close-raw
    local user
    for user in alice bob stranger; do
        [[ $(question "$user" "$ADDRESS" "get /shared/public" 2>&1) != ok* ]] || explain "$user was served"
        [[ $(question "$user" "$ADDRESS" "get /shared/root" 2>&1) != ok* ]] || explain "$user was served"
    done
}

upgrade() {
    kill -USR2 "$(cat "$(servers_directory)/difficult.pid")"
    await 20 grep -q upgraded "$(log_of difficult)"
}

@test "a master, who does not serve itself, that executes itself anew" {
    serve_difficult master
    own_line "$ADDRESS"
    upgrade
    each_his_own
}

# What it executes is nobody, as it is itself by then, and so nobody that could become somebody.
@test "one that executes itself anew while it serves: it serves nobody, and the log says why" {
    serve_difficult upgrade
    own_line "$ADDRESS"
    upgrade
    [[ $(question alice "$ADDRESS" "get /shared/public" 2>&1) != ok* ]] || explain "alice was served"
    await 10 grep -q "lost the privilege.*by one that served already" "$(log_of difficult)"
    [[ $(question root "$ADDRESS" "get /shared/root" 2>&1) != ok* ]] || explain "root's file was given"
}

# Its first process ends at once: the one that serves is found by its listener.
# It can neither become a client nor give up what it has, so it ends before it gets one.
@test "one that forbids itself to change its ids or capabilities, in a sandbox, ends; the log says why" {
    local call
    for call in setresuid capset; do
        run timeout 20 "$WSAPEER" run -- /usr/bin/python3 "$SOURCE/tests/cli/blind.py" "$call" EPERM \
            /usr/bin/python3 "$SOURCE/tests/servers/difficult.py" close "$ADDRESS" "$WORLD/home"
        [ "$status" -gt 0 ] && [ "$status" -ne 124 ] || explain "status $status"
        [[ $output == *"could not give up its rights (Operation not permitted): the process ends"* ]] ||
            explain "it said: $output"
    done
}

stop_daemon() {
    local pid
    pid=$(ss -Hltnp "sport = :7000" | grep -o 'pid=[0-9]*' | head -n 1)
    rm -f "$WORLD/tmp/daemon.log"
    [ -n "$pid" ] && kill "${pid#pid=}" && await 20 is_free
}

is_free() {
    ! is_listening "$ADDRESS"
}

# Started and left alone, as by init.
serve_daemon() { # WAY
    "$WSAPEER" run -- /usr/bin/python3 "$SOURCE/tests/servers/difficult.py" "$1" "$ADDRESS" \
        "$WORLD/home" </dev/null >"$WORLD/tmp/daemon.log" 2>&1
    await 20 is_listening "$ADDRESS"
}

@test "one that becomes a daemon: what started it ends, and its child serves each his own" {
    serve_daemon daemonise
    each_his_own
    stop_daemon
}

@test "one that does all of this" {
    serve_daemon all
    each_his_own
    stop_daemon
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    [ ! -e "$WORLD/tmp/daemon.log" ] || stop_daemon || true
    stop_all
}
