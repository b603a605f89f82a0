# socat UDP-RECVFROM,fork: looks at a datagram, forks, and its child receives and answers it by what
# it executes. UNIX-RECVFROM the same over AF_UNIX.
load ../lib/each


serve_socat() { # ADDRESS SOCAT_ADDRESS COMMAND
    socat -V | sed -n 2p >&3
    serve socat "$1" -- "$WSAPEER" run --verbose -- socat "$2" "EXEC:$3"
}

said() { # USER ADDRESS
    as "$1" /usr/bin/python3 "$SOURCE/tests/servers/datagrams.py" ask "$2" hello
}

is() { # SAID TEXT
    [ "$1" = "$2" ] || explain "\"$1\", not \"$2\""
}

@test "socat UDP-RECVFROM: what it executes is the sender, in every id" {
    serve_socat udp:127.0.0.1:7000 UDP4-RECVFROM:7000,bind=127.0.0.1,fork "/usr/bin/id"
    is "$(said alice 127.0.0.1:7000)" \
        "uid=1001(alice) gid=1001(alice) groups=1001(alice),2001(staff)"
    is "$(said bob 127.0.0.1:7000)" "uid=1002(bob) gid=1002(bob) groups=1002(bob)"
}

@test "socat UDP-RECVFROM: a file of alice's is hers" {
    # It reads first: socat gives an answer up that is there before the question was passed on.
    printf 'read -r _; cat %s\n' "$WORLD/home/alice/private" | public answer
    serve_socat udp:127.0.0.1:7000 UDP4-RECVFROM:7000,bind=127.0.0.1,fork \
        "/bin/sh $BATS_TEST_TMPDIR/answer"
    is "$(said alice 127.0.0.1:7000)" "alice's private"
    is "$(said bob 127.0.0.1:7000)" none
}

@test "socat UNIX-RECVFROM: the same by the sender's credentials" {
    serve_socat "$WORLD/tmp/socat" "UNIX-RECVFROM:$WORLD/tmp/socat,fork,mode=777" "/usr/bin/id"
    is "$(said alice "$WORLD/tmp/socat")" \
        "uid=1001(alice) gid=1001(alice) groups=1001(alice),2001(staff)"
    is "$(said bob "$WORLD/tmp/socat")" "uid=1002(bob) gid=1002(bob) groups=1002(bob)"
}
