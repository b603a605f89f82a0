# websocketd, which is written in Go: it makes its system calls without libc, so that nothing could be
# seen of its clients. It must not start, by whatever way peers are to be kept apart.
bats_require_minimum_version 1.5.0
load ../lib/world

# A server that is not refused would serve until the time is over.
is_refused() { # OPTION...
    run -125 timeout 5 "$WSAPEER" run "$@" -- "$(tool websocketd)" --address=127.0.0.1 --port=8000 \
        --staticdir="$WORLD/home"
    [[ $output = "wsapeer: "*websocketd*" Go"* ]] || explain "no reason: $output"
    [ "${#lines[@]}" = 1 ] || explain "more than a line: $output"
}

@test "a server written in Go is refused by name and with the reason" {
    tool websocketd >/dev/null || skip "needs websocketd: tests/run gets it"
    is_refused
    is_refused --isolate=scope
    is_refused --isolate=account
}
