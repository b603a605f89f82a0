# What wsapeer run without --isolate decides by, and what it says. The life of a server that has become
# the first of its instances is in account-auto.bats.
load tenant

# As runtimes do whose threads wait before anything is there (tokio, .NET), that register a socket when
# it is made (Boost.Asio), or that try before they wait (gevent, .NET).
@test "auto, account: however it comes to wait for clients, each has an instance" {
    local isolation begin
    for isolation in '' --isolate=account; do
        for begin in late unheard asks late,unheard late,asks; do
            echo "# $isolation $begin" # for who reads of a failure
            ISOLATION=$isolation tenant -v -- --begin="$begin"
            each_his_own_at "$ADDRESS"
            stop tenant
            await 10 no_wsapeer_is_left
        done
    done
}

@test "auto: the log tells what was decided, and because of what" {
    ISOLATION='' tenant --verbose --
    logged "auto: an instance of the server for each account, because process $(supervisor) waits for \
clients in an epoll set$"
    stop tenant
    ISOLATION='' tenant --verbose -- --wait=poll
    logged "auto: scopes within the server, because process $(supervisor) waits for clients in no \
epoll set$"
    stop tenant
    ISOLATION='' tenant --
    says alice "get /uid" 1001
    ! grep "auto:" "$(log_of tenant)"
}

# They act for nobody, and the log says what to add.
@test "auto: a loop by poll or select is told which option it needs, and that is right" {
    local wait
    for wait in poll select; do
        ISOLATION='' tenant -- --wait="$wait"
        refuses alice "first_line('$WORLD/home/alice/private')"
        logged "waits for several peers at once.*Ways out: --isolate=account, .*; or --inline, "
        stop tenant
        tenant -- --wait="$wait"
        says alice "first_line('$WORLD/home/alice/private')" "alice's private"
        refuses bob "first_line('$WORLD/home/alice/private')"
        stop tenant
    done
}

@test "auto: one that asks its listener again and again has shown that it does not wait" {
    serve victim "$ADDRESS" -- "$WSAPEER" run --verbose -- "$BUILD/tests/attacks/fixtures/victim" \
        --listen="$ADDRESS" --model=loop --wait=none
    as alice "$BUILD/tests/attacks/fixtures/visitor" "$ADDRESS" "read $WORLD/home/alice/private"
    await 20 grep -q "auto: scopes within the server, " "$(log_of victim)"
}
