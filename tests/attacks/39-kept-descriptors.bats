# 39: what a server opened for one client and keeps must not give the next client that one's rights.
#
# Seen to fail: with scope_may_use() always true, bob read, mapped and was sent alice's private file,
# wrote to her file, read her pipe and spoke through her socket (every test but the last). Without
# the look in helpers.c and with process.sealed left out of it, "aio" and "child" told him her words.
# Before sendmmsg(2), ftruncate(2), fallocate(2) and openat(2) looked, too, he was handed her file by
# "rights-of-several", allocated and truncated it, and read what was "under" a directory of hers.
load ../lib/each

setup() {
    mkdir -p "$WORLD/kept"
    echo "alice's private" >"$WORLD/kept/private"
    echo "everybody's" >"$WORLD/kept/public"
    chown alice: "$WORLD/kept/private" "$WORLD/kept/public"
    chmod 600 "$WORLD/kept/private"
    chmod 644 "$WORLD/kept/public"
    export COPIES=$WORLD/tmp
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
    for use in read readv pread preadv preadv2 aio map send splice copy child \
        rights rights-of-several; do
        answers bob "$use 0" "error EACCES"
    done
    answers bob "map-nothing 0" "ok mapped"
    answers alice "read 0" "ok alice's private"
    for use in pread preadv preadv2 aio map splice copy child; do
        answers alice "$use 0" "ok alice's private"
    done
    answers alice "send 0" "alice's private"
}

@test "39: a file kept open for writing is written for those who may open it so" {
    answers alice "keep-rw $WORLD/kept/public" "kept 0"
    for use in write writev pwrite pwritev allocate truncate pread; do
        answers bob "$use 0" "error EACCES"
    done
    for use in write writev pwrite pwritev allocate truncate; do
        answers alice "$use 0" "ok written"
    done
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
    answers bob "tee 0" "error EPIPE"
    answers bob "talk 1" "error EPIPE"
    answers alice "tee 0" "ok secret"
    answers alice "read 0" "ok secret"
}

@test "39: a file that everybody may open is read for everybody" {
    answers alice "keep $WORLD/kept/public" "kept 0"
    answers bob "pread 0" "ok everybody's"
    answers bob "send 0" "everybody's"
}

@test "39: a directory kept open leads nobody past another that he may not enter" {
    mkdir -p "$WORLD/kept/closed/open"
    echo "behind a door" >"$WORLD/kept/closed/open/file"
    chown -R alice: "$WORLD/kept/closed"
    chmod 711 "$WORLD/kept/closed/open"
    chmod 644 "$WORLD/kept/closed/open/file"
    answers alice "keep $WORLD/kept/closed/open" "kept 0"
    answers alice "keep-path $WORLD/kept/closed/open" "kept 1"
    chmod 700 "$WORLD/kept/closed"
    answers bob "under 0 file" "error EACCES"
    answers bob "under 1 file" "error EACCES"
    answers alice "under 0 file" "ok behind a door"
    answers alice "under 1 file" "ok behind a door"
    chmod 711 "$WORLD/kept/closed"
    answers bob "under 1 file" "ok behind a door"
}
