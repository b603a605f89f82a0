# python3 -m http.server: a thread a connection, and the thread opens the file.
load ../lib/world
load ../lib/rights

setup_file() {
    export ADDRESS=127.0.0.1:8000
    serve http.server "$ADDRESS" -- "$WSAPEER" run -- \
        /usr/bin/python3 -m http.server -b 127.0.0.1 -d "$WORLD/home" 8000
}

@test "python3 -m http.server: a client gets its own 0600 file" {
    own_file "$ADDRESS"
}

@test "python3 -m http.server: nobody gets another's 0600 file" {
    others_file "$ADDRESS"
}

@test "python3 -m http.server: a 0640 file is for the members of its group" {
    group_file "$ADDRESS"
}

@test "python3 -m http.server: everybody gets a public file" {
    public_file "$ADDRESS"
}

@test "python3 -m http.server: 1,000 requests of four users, 16 at once: none wrong, then right again" {
    many_requests "$ADDRESS"
}
