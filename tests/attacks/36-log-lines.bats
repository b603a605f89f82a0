# 36: names with escape sequences and line ends in them: of a peer, of its program, of the server. What
# wsapeer writes stays one clean line an event.
#
# Seen to fail: with is_harmless() always true the account's name and the server's went to the log as
# they are, and the second half of the server's name stood on a line of its own.
load fixtures/victim

NASTY=$'ev\e[2J\e]0;x\ail\xff'

make_nasty_account() {
    printf '%s:x:1200:1200::/:/bin/sh\n' "$NASTY" >>/etc/passwd
    printf '%s:x:1200:\n' "$NASTY" >>/etc/group
}

# clean FILE: printable text and line ends, nothing else.
clean() {
    [ -s "$1" ] || explain "$1 is empty"
    if LC_ALL=C grep -nP '[^\x20-\x7e]' "$1" | cat -v | sed 's/^/not clean: /' | grep .; then
        return 1
    fi
}

nasty_visits() {
    cp "$FIXTURES/visitor" "$BATS_TEST_TMPDIR/"$'x\n\e[31mwsapeer: served root'
    open_directories
    for id in 1200 4242 0; do
        setpriv --reuid="$id" --regid="$id" --clear-groups \
            "$BATS_TEST_TMPDIR/"$'x\n\e[31mwsapeer: served root' "$ADDRESS" "libc setuid 1002" || true
    done
}

# The server's own name, too, is whatever its file is called.
nasty_server() { # RUN OPTION...
    cp "$FIXTURES/victim" "$BATS_TEST_TMPDIR/"$'v\e[2J\nwsapeer'
    serve victim "$ADDRESS" -- "$WSAPEER" run "$@" -- "$BATS_TEST_TMPDIR/"$'v\e[2J\nwsapeer' \
        --listen="$ADDRESS" --model=iterative
}

setup() {
    make_nasty_account
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    sed -i '/:1200:/d' "$WORLD/etc/passwd" "$WORLD/etc/group" 2>/dev/null
    stop_all
}

@test "36: text lines stay clean, and one an event, over TCP and AF_UNIX" {
    for ADDRESS in 127.0.0.1:7000 "$WORLD/tmp/victim.socket"; do
        nasty_server --isolate=scope --verbose --log="$BATS_TEST_TMPDIR/log"
        nasty_visits
        await 10 grep -q 'asked for other ids' "$BATS_TEST_TMPDIR/log"
        stop_all
        clean "$BATS_TEST_TMPDIR/log"
        grep -q 'uid 1200' "$BATS_TEST_TMPDIR/log" || explain "the peer is not in the log"
        same "$(grep -cE '^20[0-9TZ:.-]+ wsapeer: ' "$BATS_TEST_TMPDIR/log")" 5 "events"
        same "$(wc -l <"$BATS_TEST_TMPDIR/log")" 5 "lines"
        rm "$BATS_TEST_TMPDIR/log"
    done
}

@test "36: lines in JSON are whole objects with the names in them, and printable" {
    nasty_server --isolate=scope --verbose --log-format=json --log="$BATS_TEST_TMPDIR/log"
    nasty_visits
    await 10 grep -q 'server-ids\|setuid' "$BATS_TEST_TMPDIR/log"
    stop_all
    clean "$BATS_TEST_TMPDIR/log"
    /usr/bin/python3 -c 'if True:
        import json, sys
        events = [json.loads(line) for line in open(sys.argv[1])]
        for event in events:
            for name in (event.get("command", ""), event.get("peer", {}).get("user", "")):
                assert name.isprintable(), event
        assert any(event.get("peer", {}).get("uid") == 1200 for event in events)' \
        "$BATS_TEST_TMPDIR/log"
}

@test "36: complaints about a server that is not there are one clean line" {
    for name in $'/no\e[2J\nsuch' $'no\nsuch\a'; do
        "$WSAPEER" run -- "$name" 2>"$BATS_TEST_TMPDIR/said" && explain "it ran"
        clean "$BATS_TEST_TMPDIR/said"
        same "$(wc -l <"$BATS_TEST_TMPDIR/said")" 1
    done
    "$WSAPEER" run --map=$'a\e[2J\nb=c' -- true 2>"$BATS_TEST_TMPDIR/said" && explain "it ran"
    clean "$BATS_TEST_TMPDIR/said"
    same "$(wc -l <"$BATS_TEST_TMPDIR/said")" 1
}
