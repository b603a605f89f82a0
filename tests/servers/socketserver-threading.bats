# Python's socketserver, a thread a connection.
load ../lib/world
load fileserver

setup_file() {
    export TCP=127.0.0.1:7000 UNIX=$WORLD/files.sock
    serve_files tcp threading "$TCP"
    serve_files unix threading "$UNIX"
}

@test "threading socketserver over TCP: a client gets its own 0600 file" {
    own_line "$TCP"
}

@test "threading socketserver over AF_UNIX: a client gets its own 0600 file" {
    own_line "$UNIX"
}

@test "threading socketserver over TCP: nobody gets another's 0600 file" {
    others_line "$TCP"
}

@test "threading socketserver over AF_UNIX: nobody gets another's 0600 file" {
    others_line "$UNIX"
}

@test "threading socketserver over TCP: a 0640 file is for the members of its group" {
    group_line "$TCP"
}

@test "threading socketserver over AF_UNIX: a 0640 file is for the members of its group" {
    group_line "$UNIX"
}

@test "threading socketserver over TCP: everybody gets a public file" {
    public_line "$TCP"
}

@test "threading socketserver over AF_UNIX: everybody gets a public file" {
    public_line "$UNIX"
}

@test "threading socketserver over TCP: a handler that waits with a time-out is still the peer" {
    after_waiting "$TCP"
}

@test "threading socketserver over AF_UNIX: a handler that waits with a time-out is still the peer" {
    after_waiting "$UNIX"
}

@test "threading socketserver over TCP: subprocess.run gives a child that is the peer in every id" {
    child_is_peer "$TCP"
}

@test "threading socketserver over AF_UNIX: subprocess.run gives a child that is the peer in every id" {
    child_is_peer "$UNIX"
}

@test "threading socketserver over TCP: 1,000 requests of four users, 16 at once: none wrong" {
    many_lines "$TCP"
}

@test "threading socketserver over AF_UNIX: 1,000 requests of four users, 16 at once: none wrong" {
    many_lines "$UNIX"
}
