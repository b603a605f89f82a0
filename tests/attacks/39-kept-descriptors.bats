# 39: what a server opened for one client and keeps must not give the next client that one's rights.
#
# Seen to fail: with scope_may_use() always true, bob read, mapped and was sent alice's private file,
# wrote to her file, read her pipe and spoke through her socket (every test but the last). Without
# the look in helpers.c and with process.sealed left out of it, "aio" and "child" told him her words.
load ../lib/each

setup() {
    mkdir -p "$WORLD/kept"
    echo "alice's private" >"$WORLD/kept/private"
    echo "everybody's" >"$WORLD/kept/public"
    chown alice: "$WORLD/kept/private" "$WORLD/kept/public"
    chmod 600 "$WORLD/kept/private"
    chmod 644 "$WORLD/kept/public"
    serve keeper 127.0.0.1:7000 -- "$WSAPEER" run -- "$BUILD/tests/attacks/fixtures/keeper" 7000
}

tell() { # USER COMMAND: prints the answer
    as "$1" /usr/bin/python3 -c 'if True:
        import socket, sys
        server = socket.create_connection(("127.0.0.1", 7000), 10)
        server.sendall(sys.argv[1].encode() + b"\n")
        print(server.makefile().read(), end="")' "$2"
}

answers() { # USER COMMAND ANSWER
    local answer
    answer=$(tell "$1" "$2")
    [ "$answer" = "$3" ] || explain "$1: $2: $answer, not $3"
}

@test "39: a file kept open is read, mapped and sent for its owner alone" {
    answers alice "keep $WORLD/kept/private" "kept 0"
    for use in read pread preadv2 aio map send child; do
        answers bob "$use 0" "error EACCES"
    done
    answers alice "pread 0" "ok alice's private"
    for use in preadv2 aio map child; do
        answers alice "$use 0" "ok alice's private"
    done
    answers alice "send 0" "alice's private"
}

@test "39: a file kept open for writing is written for those who may open it so" {
    answers alice "keep-rw $WORLD/kept/public" "kept 0"
    answers bob "write 0" "error EACCES"
    answers bob "pread 0" "error EACCES"
    answers alice "write 0" "ok written"
}

@test "39: a file that has gone or been exchanged is nobody else's" {
    answers alice "keep $WORLD/kept/public" "kept 0"
    as alice cp "$WORLD/kept/public" "$WORLD/tmp/other"
    rm "$WORLD/kept/public"
    answers bob "pread 0" "error EACCES"
    cp "$WORLD/tmp/other" "$WORLD/kept/public"
    answers bob "pread 0" "error EACCES"
    answers alice "pread 0" "ok everybody's"
}

@test "39: a pipe and a socket made for one client are of no use to another" {
    answers alice "pipe secret" "kept 0"
    answers alice "backend" "kept 1"
    answers bob "read 0" "error EPIPE"
    answers bob "talk 1" "error EPIPE"
    answers alice "read 0" "ok secret"
}

@test "39: a file that everybody may open is read for everybody" {
    answers alice "keep $WORLD/kept/public" "kept 0"
    answers bob "pread 0" "ok everybody's"
    answers bob "send 0" "everybody's"
}
