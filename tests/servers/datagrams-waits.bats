# Datagrams of who is refused, or of a backend, and how long a server waits: they cost it no more than
# if they had been lost on their way.
bats_require_minimum_version 1.5.0
load habits

ADDRESS=127.0.0.1:7000

# A time-out that began anew with each refused datagram never came while bob went on.
# Seen to fail: with `until` counted from the last drop, not from the call.
@test "SO_RCVTIMEO ends a receive in time though a refused user goes on sending" {
    serve_habit time-out --isolate=scope --deny=bob --
    begin bob bob keep-sending "$ADDRESS"
    await 20 has_line "its time is over" 3
    finish bob
    never_logged "^received"
}

# The call goes on behind bob's datagram, which the server never hears of. Seen to fail: where no
# signal ended that wait, and where each did.
@test "a signal ends a receive that goes on behind a refused datagram, but not with SA_RESTART" {
    local effect
    for effect in restart end; do
        serve_habit signals --isolate=scope --deny=bob -- "$effect"
        client bob send "$ADDRESS" /refused 1
        logged "refused .*bob"
        kill -USR1 "$(server)"
        [ "$effect" = restart ] || logged "^EINTR"
        client alice send "$ADDRESS" /served 1
        logged "^received /served"
        logged "^USR1"
        [ "$effect" = end ] || never_logged "^EINTR"
        never_logged "/refused"
        stop_all
    done
}

has_line() { # TEXT TIMES
    [ "$(grep -cx -- "$1" "$(log_of habit)")" -ge "$2" ]
}

queued() {
    ss -Hlun "sport = :7000" | awk '{ print $2 }'
}

has_more_than() {
    [ "$(queued)" -gt "$1" ]
}

# behind_refused COUNT RUN OPTION...: alice's datagram lies behind so many of bob's when the server
# first looks; one edge tells of them all.
behind_refused() {
    local count=$1 before
    shift
    rm -f "$WORLD/tmp/gate"
    mkfifo "$WORLD/tmp/gate"
    serve_habit edge --deny=bob "$@" -- "$WORLD/tmp/gate"
    client bob send "$ADDRESS" /bob/private "$count"
    before=$(queued)
    begin alice alice linger "$ADDRESS" /shared/public
    await 10 has_more_than "$before"
    : >"$WORLD/tmp/gate"
    await 10 has_heard alice 1
    finish alice
    same "$(head -n 1 "$(heard_of alice)")" "ok everybody's"
    rm "$WORLD/tmp/gate"
    stop_all
}

# Seen to fail: with an end (EAGAIN) after the first refused one alice heard nothing.
@test "edge-triggered epoll: who lies behind refused datagrams is served by the same edge" {
    behind_refused 1 --gate
    behind_refused 1 --inline
    behind_refused 1500 --gate
}

# asks_its_backend RUN OPTION...: bob's datagram comes between the server's bind and its connect.
asks_its_backend() {
    local user
    rm -f "$WORLD/tmp/gate"
    mkfifo "$WORLD/tmp/gate"
    begin backend root backend 5353
    await 10 is_listening udp:127.0.0.1:5353
    AWAITED=udp:127.0.0.1:5354 serve_habit backend "$@" -- 5353 "$WORLD/tmp/gate"
    client bob send 127.0.0.1:5354 "answer of bob's" 3
    : >"$WORLD/tmp/gate"
    await 10 is_listening "$ADDRESS"
    for user in alice bob alice; do
        same "$(client "$user" lines 7000 "/$user/private")" "answer, ok $user's private"
    done
    same "$(client bob lines 7000 /alice/private)" "answer, error \[Errno 13\]*"
    stop_all
    finish backend
    rm "$WORLD/tmp/gate"
}

# Seen to fail: without scope_connected() the first answer was bob's, and alice was refused her file.
@test "a UDP socket that the server bound and connected is its own: alice stays alice over it" {
    asks_its_backend --isolate=scope
    asks_its_backend --isolate=connection
}
