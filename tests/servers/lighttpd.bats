# lighttpd: an event loop that keeps the files open which it has served, and serves them from there:
# an instance for each account.
#
# Seen to fail: by scopes with --inline 490 to 500 of 1,000 requests were answered with another's file.
load ../lib/world
load ../lib/rights
load ways

serve_lighttpd() { # WAY PORT
    local lighttpd directory=$WORLD/lighttpd-$1
    lighttpd=$(tool lighttpd) || return 0
    mkdir -p "$directory"
    cat >"$directory/conf" <<END
server.document-root = "$WORLD/home"
server.bind = "127.0.0.1"
server.port = $2
server.modules = ()
mimetype.assign = ("" => "text/plain")
server.max-keep-alive-requests = 100000
END
    serve_way "$1" "lighttpd-$1" "127.0.0.1:$2" \
        "$lighttpd" -D -f "$directory/conf" -m "${lighttpd%/sbin/lighttpd}/lib/lighttpd"
}

setup_file() {
    serve_lighttpd account 8000
    serve_lighttpd auto 8001
}

setup() {
    tool lighttpd >/dev/null || skip "needs lighttpd: tests/run gets it"
}

@test "lighttpd, --isolate=account: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8000
    everything_right 127.0.0.1:8000
}

@test "lighttpd without an option: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8001
    everything_right 127.0.0.1:8001
}
