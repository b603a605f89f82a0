# Files that a server makes for a user belong to that user.
load ../lib/each

setup() {
    ADDRESS=127.0.0.1:9000
    DROP=$WORLD/drop-$BATS_TEST_NUMBER
    mkdir -m 1777 "$DROP"
    umask 077
}

serve_uploads() { # MODEL
    serve upload "$ADDRESS" -- "$WSAPEER" run -- \
        "$BUILD/tests/servers/upload" "$1" 127.0.0.1 9000 "$DROP"
}

send_files() {
    /usr/bin/python3 "$SOURCE/tests/servers/uploader.py" "$@" "$ADDRESS" "$DROP"
}

@test "a thread a connection: files made for a user belong to that user and group" {
    serve_uploads threads
    send_files --files 12 --connections 4 --users alice,bob,carol,stranger
}

@test "one connection after the other: files made for a user belong to that user and group" {
    serve_uploads iterative
    send_files --files 12 --connections 4 --users alice,bob,carol,stranger --reconnect
}

@test "31: 1,000 keep-alive requests of two users alternating: owner, group, content right each time" {
    serve_uploads threads
    send_files --files 1000 --connections 2
}

@test "31: 1,000 requests of two users alternating, one connection after the other" {
    serve_uploads iterative
    send_files --files 1000 --connections 2 --reconnect
}

@test "31: 1,000 requests of two users on 16 kept-alive connections at once" {
    serve_uploads threads
    send_files --files 1000 --connections 16 --at-once
}

@test "a user whose directory this is not cannot have a file made there" {
    chmod 755 "$DROP"
    serve_uploads threads
    run send_files --files 1 --connections 1
    [ "$status" -ne 0 ]
    [[ $output = *"Permission denied"* ]]
    [ -z "$(ls "$DROP")" ]
}
