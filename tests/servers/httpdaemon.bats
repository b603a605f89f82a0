# HTTP::Daemon of Perl, which handles one connection after the other.
load ../lib/world
load ../lib/rights

setup_file() {
    export ADDRESS=127.0.0.1:8000
    has_httpdaemon || return 0
    serve httpdaemon "$ADDRESS" -- "$WSAPEER" run -- \
        /usr/bin/perl "$SOURCE/tests/servers/httpdaemon.pl" "$ADDRESS" "$WORLD/home"
}

has_httpdaemon() {
    /usr/bin/perl -MHTTP::Daemon -e 1 2>/dev/null
}

setup() {
    has_httpdaemon || skip "needs HTTP::Daemon: apt-get install libhttp-daemon-perl"
}

@test "HTTP::Daemon: a client gets its own 0600 file" {
    own_file "$ADDRESS"
}

@test "HTTP::Daemon: nobody gets another's 0600 file" {
    others_file "$ADDRESS"
}

@test "HTTP::Daemon: a 0640 file is for the members of its group" {
    group_file "$ADDRESS"
}

@test "HTTP::Daemon: everybody gets a public file" {
    public_file "$ADDRESS"
}

@test "HTTP::Daemon: 1,000 requests of four users, 16 at once: none wrong, then right again" {
    many_requests "$ADDRESS"
}
