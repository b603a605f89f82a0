# 6: a listener that root made and handed to alice (as socket activation does), which she disconnects
# and connects to the server; and a datagram socket that root made. The kernel says that they are
# root's, and root is let in by name only: she is neither root nor anybody else by them.
#
# Seen to fail: with root let in by the default rule, the gate served her as root.
load fixtures/victim

# Root makes the socket; all that is done with it is done by alice.
hers_by_root() { # tcp|udp
    timeout 20 /usr/bin/python3 -c 'if True:
        import ctypes, os, socket, sys
        kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
        made = socket.socket(socket.AF_INET, kind)
        made.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            made.listen(1)
        os.setgroups([])
        os.setresgid(1001, 1001, 1001)
        os.setresuid(1001, 1001, 1001)
        if ctypes.CDLL(None).connect(made.fileno(), bytes(16), 16) != 0:
            sys.exit("it cannot be disconnected")
        made.settimeout(5 if kind == socket.SOCK_STREAM else 1)
        try:
            made.connect(("127.0.0.1", 7000))
            made.sendall(sys.argv[2].encode() + b"\n")
            print(made.recv(500).decode().strip() or "closed")
        except ConnectionError:
            print("closed")
        except TimeoutError:
            print("silence")' "$@"
}

@test "6: root's listener in alice's hands is refused, with scopes and at a gate" {
    for mode in "" --gate; do
        attack $mode -- --model=thread
        same "$(hers_by_root tcp "read $ALICE")" closed
        same "$(hers_by_root tcp "read $WORLD/home/shared/root")" closed
        logged "root is let in by name only"
        answers alice "read $ALICE" "alice's private"
        stop_all
    done
}

@test "6: root's datagram socket in alice's hands as well" {
    serve victim udp:127.0.0.1:7000 -- "$WSAPEER" run -- \
        /usr/bin/python3 "$SOURCE/tests/servers/datagrams.py" serve poll "$ADDRESS" "$WORLD/home"
    same "$(hers_by_root udp /alice/private)" silence
    logged "root is let in by name only"
    same "$(as alice /usr/bin/python3 "$SOURCE/tests/servers/datagrams.py" ask "$ADDRESS" \
        /alice/private)" "ok alice's private"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}
