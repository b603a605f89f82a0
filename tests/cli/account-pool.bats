# wsapeer run --isolate=account: how many instances there are, for how long, and what becomes of those
# who wait for one.
#
# Seen to fail: without backoff() of pool.c there was a start for each client, without its refusals they
# waited for what could not start; without --max-instances bob was served beside alice. When the longest
# idle was looked for among those with connections, too, a fifth was never served, and without a look at
# who is ending already d's instance ended as well.
load tenant

setup() {
    SOCKET=$WORLD/pool-$BATS_TEST_NUMBER.sock
    FAULT=$WORLD/tmp/fault-$BATS_TEST_NUMBER
}

count_logged() { # TEXT
    grep -cE -- "$1" "$(log_of tenant)" || true
}

# ---- what cannot start --------------------------------------------------------------------------

@test "pool: no instance can start: refusals and the reason, until one can again" {
    local alices try
    tenant --spares=0 -- --fault="$FAULT"
    alices=$(say alice "os.getpid()")
    touch "$FAULT"
    for try in $(seq 20); do
        turned_away bob || explain "at try $try"
    done
    logged "ended with status 3 before it waited for clients; its last line was \"tenant: $FAULT is in the way\""
    logged "refused .*bob.*its instance of the server cannot start"
    says alice "os.getpid()" "$alices"
    # Each failure doubles the wait for the next attempt, from a second on.
    [ "$(count_logged 'before it waited for clients')" -le 10 ] ||
        explain "$(count_logged 'before it waited for clients') starts for 20 clients"
    rm "$FAULT"
    await 100 says bob "get /uid" 1002 2>/dev/null
    says carol "get /uid" 1003
}

@test "pool: no spare can start: who has an instance keeps it, and who has none is refused" {
    local alices
    tenant --spares=1 -- --fault="$FAULT"
    await 20 has_spares 1
    touch "$FAULT"
    alices=$(say alice "os.getpid()")
    logged "before it waited for clients"
    turned_away bob
    logged "refused .*bob.*its instance of the server cannot start"
    says alice "os.getpid()" "$alices"
    rm "$FAULT"
    await 100 says bob "get /uid" 1002 2>/dev/null
}

# ---- how many -----------------------------------------------------------------------------------

@test "pool: --max-instances=1: the second user waits, and is served when the first has gone" {
    local alices
    tenant --max-instances=1 --
    await 20 has_spares 1
    stay first alice
    heard first connected
    tell first "get /uid"
    heard first "ok 1001"
    alices=$(instance_of alice)
    stay second bob
    tell second "get /uid"
    heard second connected
    says alice "os.getpid()" "$alices" # who comes later is answered, and so bob has been looked at
    [ -z "$(instance_of bob)" ] || explain "bob has an instance beside alice"
    await 20 has_spares 1
    has_heard_nothing second || explain "bob was answered beside alice"
    leave first
    heard second "ok 1002"
    await 20 has_ended "$alices"
    leave second
    says alice "get /uid" 1001
}

same_user() { # NAME GROUPS: alice, with these supplementary groups
    stay_with "$1" setpriv --reuid=alice --regid=alice --groups="$2" \
        /usr/bin/python3 "$SOURCE/tests/cli/talk.py" "$SOCKET"
    heard "$1" connected
    tell "$1" "(os.getuid(), sorted(os.getgroups()))"
}

pid_for() { # NAME
    tell "$1" "os.getpid()"
    next_line "$1"
}

# An instance that ignores TERM takes three seconds to end.
@test "pool: four instances for the sets of groups of one user; for a fifth the longest idle one ends" {
    local bs ds
    tenant_at "$SOCKET" : --stop-timeout=3 -- --term=ignore
    same_user a 2001
    heard a "ok (1001, [2001])"
    same_user b 2002
    heard b "ok (1001, [2002])"
    same_user c 2001,2002
    heard c "ok (1001, [2001, 2002])"
    same_user d 1001
    heard d "ok (1001, [1001])"
    bs=$(pid_for b)
    ds=$(pid_for d)
    [ "$(instance_of alice | wc -l)" = 4 ] || explain "$(instance_of alice)"
    same_user e 2003
    heard e refused
    leave e
    logged "refused .*alice.*Too many users"
    says bob "get /uid" 1002 "$SOCKET"
    leave b
    leave d
    await 20 is_served_with 2003
    has_ended "${bs#ok }" || explain "b's instance has not made place"
    same_user d 1001
    heard d "ok (1001, [1001])"
    [ "$(pid_for d)" = "$ds" ] || explain "d's instance has made place, too"
    tell a "get /uid" # it was never idle
    heard a "ok 1001"
    [ "$(instance_of alice | wc -l)" = 4 ] || explain "$(instance_of alice)"
}

is_served_with() { # GROUP
    local answer
    answer=$(setpriv --reuid=alice --regid=alice --groups="$1" /usr/bin/python3 \
        "$SOURCE/tests/cli/talk.py" "$SOCKET" <<<"sorted(os.getgroups())" | tail -n 1)
    [ "$answer" = "ok [$1]" ]
}

# ---- for how long -------------------------------------------------------------------------------

configure() { # TEXT
    (umask 077 && echo "$1" >"$CONFIG")
}

# The file is root's alone: no instance that is somebody's can read it anew.
@test "pool: what was configured anew reaches, by HUP, who had an instance" {
    local alices bobs
    CONFIG=$WORLD/tmp/config
    configure old
    tenant -- --config="$CONFIG"
    says alice "options.text" old
    bobs=$(say bob "os.getpid()")
    stay held alice
    heard held connected
    tell held "options.text"
    heard held "ok old"
    alices=$(instance_of alice)
    configure new
    kill -HUP "$(supervisor)"
    await 20 has_ended "$bobs"
    says bob "options.text" new
    says carol "options.text" new
    tell held "os.getpid()" # it is answered as long as it stays
    heard held "ok $alices"
    leave held
    await 20 has_ended "$alices"
    says alice "options.text" new
    says stranger "options.text" new
}

# ---- who waits ----------------------------------------------------------------------------------

# More than the queues of sockets hold, to an instance that takes none.
@test "pool: 2,000 connections wait for an instance that hangs, and are answered when it goes on" {
    local alices
    ulimit -n 16384
    tenant --
    alices=$(say alice "os.getpid()")
    kill -STOP "$alices"
    stay crowd alice "$ADDRESS" 2000
    heard crowd connected
    for _ in 1 2 3 4 5; do
        says bob "get /uid" 1002
        says carol "get /uid" 1003
    done
    has_heard_nothing crowd || explain "an instance that is stopped has answered"
    kill -CONT "$alices"
    heard crowd "2000 ok 1001"
    leave crowd
    says alice "os.getpid()" "$alices"
}
