# Socket activation: what systemd accepts for a service (Accept=yes) becomes its client by `wsapeer exec`;
# a server that gets the listening socket (Accept=no) is wrapped by `wsapeer run` as any other.
load ../lib/world
load ../lib/rights
load service

setup() {
    need systemd-socket-activate systemd
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}

ADDRESS=127.0.0.1:7000

# activated ADDRESS [OPTION of systemd-socket-activate...] -- COMMAND...
activated() {
    local address=$1
    shift
    # Its children are waited for by a handler of SIGCHLD, which a shell's background child may block.
    serve activated "$address" -- env --default-signal=CHLD "$(tool systemd-socket-activate)" \
        --listen="$address" --setenv=PATH "$@"
}

@test "Accept=yes, the connection on 0 and 1: each user has what is that user's, and no more" {
    local service
    service --deny=stranger --allow=any
    activated "$ADDRESS" --accept --inetd "${service[@]}"
    own_file "$ADDRESS"
    group_of_peer "$ADDRESS"
    nobody_else "$ADDRESS"
}

group_of_peer() {
    gets carol "$1" /shared/staff "staff's own"
    denied bob "$1" /shared/staff
    denied bob "$1" /alice/private
}

@test "Accept=yes over IPv6 and AF_UNIX: each user has what is that user's, and no more" {
    local service
    service
    activated "[::1]:7000" --accept --inetd "${service[@]}"
    everything_right "[::1]:7000"
    stop activated
    activated "$WORLD/tmp/activated.sock" --accept --inetd "${service[@]}"
    chmod 666 "$WORLD/tmp/activated.sock"
    everything_right "$WORLD/tmp/activated.sock"
}

@test "Accept=yes, the connection on 3 (LISTEN_FDS): --fd=3" {
    activated "$ADDRESS" --accept "$WSAPEER" exec --fd=3 -- sh -c 'exec "$@" <&3 >&3' sh \
        "$(tool busybox)" httpd -i -h "$WORLD/home"
    everything_right "$ADDRESS"
    cut_off root "$ADDRESS" /shared/public
}

@test "Accept=no: wsapeer exec has no one peer, says so, and names run" {
    local service
    service
    activated "$ADDRESS" --inetd "${service[@]}"
    as alice bash -c 'exec 5<>/dev/tcp/127.0.0.1/7000'
    await 20 grep -q "'wsapeer run'" "$(log_of activated)"
}

@test "Accept=no, wsapeer run, one connection after the other: each user has what is that user's" {
    activated "$ADDRESS" "$WSAPEER" run -- /usr/bin/python3 "$SOURCE/tests/servers/activation.py" "$WORLD/home"
    everything_right "$ADDRESS"
}

# Seen to fail: without name_as_listener(), each instance saw that LISTEN_PID was not its own, and ended.
@test "Accept=no, wsapeer run, an event loop: each user has what is that user's" {
    activated "$ADDRESS" "$WSAPEER" run -- \
        /usr/bin/python3 "$SOURCE/tests/servers/activation.py" "$WORLD/home" --loop
    everything_right "$ADDRESS"
}

@test "Accept=no, wsapeer run --isolate=account: each user has what is that user's" {
    activated "$ADDRESS" "$WSAPEER" run --isolate=account -- \
        /usr/bin/python3 "$SOURCE/tests/servers/activation.py" "$WORLD/home"
    everything_right "$ADDRESS"
}

@test "Accept=no, wsapeer run, gunicorn, which takes LISTEN_FDS: each user has what is that user's" {
    [ -x /usr/bin/gunicorn ] || skip "needs gunicorn: apt-get install gunicorn"
    ROOT=$WORLD/home activated "$ADDRESS" --setenv=ROOT "$WSAPEER" run -- \
        /usr/bin/python3 /usr/bin/gunicorn --workers 2 --chdir "$SOURCE/tests/servers" fileapp
    everything_right "$ADDRESS"
}
