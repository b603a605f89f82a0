# Python's asyncio: answers out of call_later and a pool of threads: an instance for each account.
#
# Seen to fail by scopes with --inline: 252 of 1,000 requests were refused to the file's owner.
load ../lib/world
load fileserver

setup_file() {
    export ACCOUNT=127.0.0.1:7000 AUTO=127.0.0.1:7001 UNIX=$WORLD/loop.sock
    serve_files account asyncio "$ACCOUNT" --isolate=account
    serve_files auto asyncio "$AUTO"
    serve_files unix asyncio "$UNIX"
}

# at once, out of a timer, out of a thread: a connection each, then on kept ones
every_way_to_answer() { # ADDRESS
    local prefix
    for prefix in "" "timer " "thread "; do
        for keep in "" --keep-alive; do
            # shellcheck disable=SC2086 # nothing, or an option
            /usr/bin/python3 "$SOURCE/tests/servers/client.py" load --lines --requests=400 \
                --prefix="$prefix" $keep "$1" || explain "wrong answers at $1 with '$prefix' $keep"
        done
    done
    own_line "$1"
    others_line "$1"
    group_line "$1"
    public_line "$1"
    child_is_peer "$1"
}

@test "asyncio, --isolate=account: at once, call_later, to_thread: each his own" {
    every_way_to_answer "$ACCOUNT"
}

@test "asyncio without an option: at once, call_later, to_thread: each his own" {
    every_way_to_answer "$AUTO"
}

@test "asyncio over AF_UNIX without an option: at once, call_later, to_thread: each his own" {
    every_way_to_answer "$UNIX"
}
