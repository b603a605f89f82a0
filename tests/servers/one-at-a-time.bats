# Servers that scopes are right for have instances for the asking, and are right there, too.
load ../lib/each
load ../lib/rights
load ways
load fileserver

@test "python3 -m http.server, --isolate=account: 1,200 requests, 16 at once: each his own" {
    serve_way account http.server 127.0.0.1:8000 \
        /usr/bin/python3 -m http.server -b 127.0.0.1 -d "$WORLD/home" 8000
    right_by_any_way 127.0.0.1:8000
    everything_right 127.0.0.1:8000
}

@test "busybox httpd, --isolate=account: 1,200 requests, 16 at once: each his own" {
    tool busybox >/dev/null || skip "needs Debian's busybox, dynamically linked: tests/run gets it"
    serve_way account busybox 127.0.0.1:8001 \
        "$(tool busybox)" httpd -f -p 127.0.0.1:8001 -h "$WORLD/home"
    right_by_any_way 127.0.0.1:8001
    everything_right 127.0.0.1:8001
}

@test "HTTP::Daemon, --isolate=account: 600 requests, 16 at once: each his own" {
    /usr/bin/perl -MHTTP::Daemon -e 1 || skip "needs HTTP::Daemon: apt-get install libhttp-daemon-perl"
    serve_way account httpdaemon 127.0.0.1:8002 \
        /usr/bin/perl "$SOURCE/tests/servers/httpdaemon.pl" 127.0.0.1:8002 "$WORLD/home"
    load_of 127.0.0.1:8002
}

@test "a process a connection, over AF_UNIX, --isolate=account: each his own" {
    serve_files forking forking "$WORLD/forking.sock" --isolate=account
    load_of "$WORLD/forking.sock" --lines
    own_line "$WORLD/forking.sock"
    others_line "$WORLD/forking.sock"
    child_is_peer "$WORLD/forking.sock"
}
