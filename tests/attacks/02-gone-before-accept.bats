# 2: a client that has closed its socket before the server accepts it. Nobody owns the other end any
# more: it is refused, unless the connection bears the stamp of the packet that opened it, which it
# does where net.ipv4.tcp_fwmark_accept is on.
#
# Seen to fail: with the rule for orphans taken out, what the kernel says of their owner was believed.
load fixtures/victim

# While alice is served nobody else is accepted; bob asks, and does not wait.
ask_and_go() { # LINE
    visit alice alice
    says alice "read $ALICE" "alice's private"
    as bob /usr/bin/python3 -c 'if True:
        import socket, sys
        with socket.create_connection(("127.0.0.1", 7000)) as server:
            server.sendall(sys.argv[1].encode() + b"\n")' "$1"
    leave alice
}

@test "2: a client that has gone is refused, whatever it asked for" {
    attack -- --model=iterative
    ask_and_go "create $WORLD/home/bob/made"
    logged "(unidentified) at 127.0.0.1:7000: the peer closed its socket"
    answers alice "read $ALICE" "alice's private"
    [ ! -e "$WORLD/home/bob/made" ]
}

@test "2: where connections inherit stamps, it is served as who it was" {
    sysctl -qw net.ipv4.tcp_fwmark_accept=1
    attack --verbose -- --model=iterative
    ask_and_go "create $WORLD/home/bob/made"
    logged "(uid 1002 bob, by stamp) at 127.0.0.1:7000 as bob"
    answers alice "read $BOB" EACCES
    same "$(stat -c %U "$WORLD/home/bob/made")" bob
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}
