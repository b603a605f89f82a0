# --isolate=connection: what becomes of a handler and of the process that accepts, when places,
# descriptors or processes run out, signals come, or a loop waits for both.
bats_require_minimum_version 1.5.0
load habits

ADDRESS=127.0.0.1:7000
FLAGGED=$BUILD/tests/servers/flagged
STOPPER=$BUILD/tests/attacks/fixtures/stopper

not_served() { # USER
    same "$(client "$1" lines 7000 /shared/public)" "@(none|ConnectionResetError|BrokenPipeError)"
}

# Seen to fail: without inherits_orphans() both served.
@test "a server that adopts orphans is refused, as a subreaper and as process 1, and the log says so" {
    serve_habit reaper --isolate=connection --
    not_served alice
    logged "refused .*alice.*subreaper"
    stop_all
    serve habit "$ADDRESS" -- unshare --pid --fork --kill-child=KILL "$WSAPEER" run \
        --isolate=connection -- /usr/bin/python3 "$HABITS" iterative "$ADDRESS" "$WORLD/home"
    not_served alice
    logged "refused .*alice.*subreaper"
    kill -KILL "$(server)" # which the first process does not get a TERM's default of
}

# Seen to fail: with a wait for a place whatever the call was (handlers_await_place(true)) accept(2)
# did not return while bob kept the places, and TERM did not end the server.
@test "all places taken: a listener with O_NONBLOCK says EAGAIN, TERM ends, the log says it once" {
    serve_habit polite --isolate=connection --max-processes=3 --
    begin bob bob many 7000 3 /bob/public
    await 10 has_heard bob 3
    begin alice alice lines 7000 /alice/private
    logged "handles as many connections as it may"
    await 10 said_eagain 3
    same "$(grep -c "as many connections as it may" "$(log_of habit)")" 1
    kill -TERM "$(server)"
    logged "stopped by its flag"
    finish bob
    finish alice
}

said_eagain() { # since all were taken
    [ "$(sed '1,/as many connections/d' "$(log_of habit)" | grep -cx "accept: EAGAIN")" -ge "$1" ]
}

# Seen to fail: without has_its_share() bob was served a seventh time.
@test "--max-processes=8: one account has six at most, and another is served meanwhile" {
    serve_habit iterative --isolate=connection --max-processes=8 --
    begin bob bob many 7000 6 /bob/private
    await 10 has_heard bob 6
    same "$(sort -u "$(heard_of bob)")" "ok bob's private"
    not_served bob
    logged "refused .*bob.*share of processes"
    same "$(client alice lines 7000 /alice/private)" "ok alice's private"
    finish bob
}

# Seen to fail: where a handler ran on the way back from accept(2), or while the client was judged,
# the call went on without a word of it, once in 20 rounds.
@test "TERM ends a loop that looks at a flag, though clients keep coming" {
    local pid
    for _ in {1..20}; do
        serve habit "$ADDRESS" -- "$WSAPEER" run --isolate=connection -- "$FLAGGED" 7000
        begin alice alice keep-asking 7000
        begin bob bob keep-asking 7000
        await 10 has_heard alice 10
        pid=$(cat "$(servers_directory)/habit.pid")
        kill -TERM "$pid"
        await 10 has_ended "$pid" || explain "it goes on after TERM"
        stop habit
        finish alice
        finish bob
        logged "stopped by its flag"
    done
}

# If the step between the forks were his, the server would wait for it, with every signal blocked.
@test "a served user who stops all processes of his stops nobody else's" {
    serve_habit iterative --isolate=connection --max-processes=1024 --
    RUN_AS="timeout --signal=KILL 60" as alice "$STOPPER" 7000
    same "$(client bob lines 7000 /bob/private)" "ok bob's private"
    as alice bash -c 'kill -KILL -1' || true
    same "$(client alice lines 7000 /alice/private)" "ok alice's private"
    stop habit
}

# Seen to fail: with handlers_end() in any wait that a listener is part of, clients were reset.
@test "a loop with poll(2) for its listener and connections: each his own, and accept says EINTR" {
    for model in poll poll-nonblocking; do
        serve_habit "$model" --isolate=connection --
        for user in alice bob alice; do
            same "$(client "$user" lines 7000 "/$user/private" /shared/public /alice/private)" \
                "ok $user's private*ok everybody's*"
        done
        same "$(client bob lines 7000 /bob/public /alice/private)" "ok bob's public*\[Errno 13\]*"
        never_logged ECONNABORTED
        stop_all
    done
}


has_processes() { # USER COUNT, of the server
    [ "$(pgrep -c -u "$1" -f "^/usr/bin/python3 $HABITS ")" = "$2" ]
}

# These two were seen to fail: with what stands for the listener silent for good the handler stayed;
# without a wait for its child it went at once.
@test "a handler that forked outlives its wait by its child, and not by more" {
    serve_habit forks --isolate=connection --
    begin alice alice many 7000 1 /alice/private
    await 10 has_heard alice 1
    same "$(cat "$(heard_of alice)")" "ok alice's private"
    await 10 has_processes alice 2
    same "$(client bob lines 7000 /bob/private /alice/private)" "ok bob's private*\[Errno 13\]*"
    await 10 has_processes bob 0
    has_processes alice 2
    finish alice
    await 10 has_processes alice 0
}

@test "a datagram's handler that forked outlives its wait by its child, and not by more" {
    mkfifo -m 666 "$WORLD/tmp/gate"
    serve_habit forks-datagrams --isolate=connection -- "$WORLD/tmp/gate"
    begin alice alice linger "$ADDRESS" /alice/private
    await 10 has_heard alice 1
    same "$(head -n 1 "$(heard_of alice)")" "ok alice's private"
    await 10 has_processes alice 2
    echo >"$WORLD/tmp/gate"
    await 10 has_processes alice 0
    finish alice
}

# Seen to fail: with a wait that no signal ended.
@test "a signal ends accept(2) of a handler that waits for its child, and the handler stays" {
    serve_habit forks-blocking --isolate=connection --
    begin alice alice many 7000 1 /alice/private
    await 10 has_heard alice 1
    await 10 has_processes alice 2
    never_logged "accept: EINTR"
    kill -USR1 "$(pgrep -o -u alice -f "^/usr/bin/python3 $HABITS ")"
    logged "accept: EINTR"
    has_processes alice 2
    finish alice
    await 10 has_processes alice 0
}

@test "a handler that cannot be made is refused, and the log does not say served" {
    serve habit "$ADDRESS" -- prlimit --nproc=1:1 "$WSAPEER" run --verbose --isolate=connection -- \
        /usr/bin/python3 "$HABITS" iterative "$ADDRESS" "$WORLD/home"
    not_served alice
    not_served bob
    logged "refused .*alice.*temporarily unavailable"
    logged "refused .*bob.*temporarily unavailable"
    never_logged ": served "
}
