# 7 to 10: datagrams of a user who is denied, by the ways around a served socket: one that was connected
# and is not any more, one that another process passed, another queue, a session's own socket, threads
# of libc's, a FILE that is older than the socket's name. None reaches the server, with anybody's rights.
#
# Seen to fail: with a connected socket forgotten for good, with process.scopes alone in scope_passed(),
# and with MSG_ERRQUEUE always the kernel's, bob's request was received; so it was by a session whose
# socket was its own client or, in a sealed process, not written down (scope_bound()). Without the looks
# in aio_read() and for a socket without a name, and without datagrams_guard_stdin() at dup2(2), the
# server waited for it there.
bats_require_minimum_version 1.5.0
load ../servers/habits

ROUNDABOUT=$SOURCE/tests/attacks/fixtures/roundabout.py
STDIO=$BUILD/tests/servers/stdio_datagrams
ADDRESS=127.0.0.1:7000

serve_by() { # WAY RUN OPTION...
    local way=$1 awaited=$ADDRESS
    shift
    [[ $ADDRESS = [/@]* ]] || awaited=udp:$ADDRESS
    serve habit "$awaited" -- "$WSAPEER" run --deny=bob "$@" -- \
        /usr/bin/python3 "$ROUNDABOUT" "$way" "$ADDRESS" "$WORLD/home"
}

# refuses_bob: he asks for alice's file and is not heard; she is.
refuses_bob() {
    client bob send "$ADDRESS" /alice/private 1
    logged "denied by --deny=bob"
    same "$(client alice datagram "$ADDRESS" /shared/public)" "ok everybody's"
    never_logged "received /alice/private"
}

@test "7: a socket that was connected, and is not any more, is served" {
    for options in --isolate=scope --isolate=connection --gate; do
        serve_by unspec "$options"
        refuses_bob
        stop_all
    done
}

@test "7: a socket that came in a message is, at a gate as well" {
    for options in --isolate=scope --gate; do
        serve_by passed "$options"
        refuses_bob
        stop_all
    done
}

@test "7: MSG_ERRQUEUE, which AF_UNIX does not know, is no way in" {
    ADDRESS=@habit
    for options in --isolate=scope --gate; do
        serve_by errqueue "$options"
        refuses_bob
        stop_all
    done
}

# on_alices_session WAY RUN OPTION...: she has begun one and gone; bob takes her port and her session.
on_alices_session() {
    serve_by "$@"
    as alice /usr/bin/python3 -c 'if True:
        import socket
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind(("127.0.0.1", 5555))
        client.settimeout(20)
        client.sendto(b"hello", ("127.0.0.1", 7000))
        print(client.recv(100).decode())' >"$WORLD/tmp/port"
    same "$(as bob /usr/bin/python3 -c 'if True:
        import socket, sys
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind(("127.0.0.1", 5555))
        client.settimeout(2)
        client.sendto(b"/alice/private", ("127.0.0.1", int(sys.argv[1])))
        try:
            print(client.recv(100).decode())
        except TimeoutError:
            print("none")' "$(cat "$WORLD/tmp/port")")" none
    never_logged "received /alice/private"
    stop_all
}

@test "7: a session's own socket is its client's, whoever has that one's port by now" {
    on_alices_session session --isolate=scope
    on_alices_session bound --isolate=scope
    on_alices_session session --isolate=connection
    on_alices_session bound --isolate=connection
    on_alices_session forked --isolate=scope
}

by_call() { # MODEL WHY
    for options in --isolate=scope --gate; do
        serve habit udp:127.0.0.1:7000 -- "$WSAPEER" run --deny=bob "$options" -- "$STDIO" "$1" 7000
        logged "^$2"
        client bob send 127.0.0.1:7000 /alice/private 1
        never_logged "^read: "
        stop_all
    done
}

@test "7: aio_read(3) is denied" {
    by_call aio "aio_read: Invalid argument"
}

@test "7: so is fdopen(3) of a socket that has no name yet" {
    by_call fdopen-early "stdio: Operation not supported"
}

@test "7: and stdio's stdin, for a socket that is put there later" {
    by_call dup "stdio: Bad file descriptor"
}
