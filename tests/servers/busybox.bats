# busybox httpd: a process a connection, which the connection lives on in as descriptor 0.
load ../lib/world
load ../lib/rights

setup_file() {
    export ADDRESS=127.0.0.1:8000
    local busybox
    busybox=$(tool busybox) || return 0
    serve busybox "$ADDRESS" -- "$WSAPEER" run -- \
        "$busybox" httpd -f -p "$ADDRESS" -h "$WORLD/home"
}

setup() {
    tool busybox >/dev/null || skip "needs Debian's busybox, dynamically linked: tests/run gets it"
}

@test "busybox httpd: a client gets its own 0600 file" {
    own_file "$ADDRESS"
}

@test "busybox httpd: nobody gets another's 0600 file" {
    others_file "$ADDRESS"
}

@test "busybox httpd: a 0640 file is for the members of its group" {
    group_file "$ADDRESS"
}

@test "busybox httpd: everybody gets a public file" {
    public_file "$ADDRESS"
}

@test "busybox httpd: 1,000 requests of four users, 16 at once: none wrong, then right again" {
    many_requests "$ADDRESS"
}
