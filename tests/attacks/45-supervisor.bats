# 45, 34, 29 against the supervisor of --isolate=account: whose connection reaches whose instance, what
# an instance can learn of and do to others, and what one account's trouble costs the rest.
load ../cli/tenant

FIXTURES=$BUILD/tests/attacks/fixtures

uid_rounds() { # CLIENT OPTION...
    /usr/bin/python3 "$SOURCE/tests/servers/client.py" load --lines --ask=uid --prefix="get " "$@" "$ADDRESS"
}

@test "45: a connection reaches its own account's instance: 4,000 requests of four users" {
    tenant --
    uid_rounds --requests=2000 --workers=32
    uid_rounds --requests=2000 --workers=32 --keep-alive
}

@test "45: a spare is never handed to two: 30 accounts at once, three times" {
    for _ in 1 2 3; do
        tenant --spares=2 --
        /usr/bin/python3 "$SOURCE/tests/attacks/fixtures/crowd.py" "$ADDRESS" 30
        stop tenant
    done
}

@test "45: 200 accounts at once: never more than --max-instances, and all are served in turn" {
    tenant --max-instances=4 --spares=4 --
    timeout 200 /usr/bin/python3 "$SOURCE/tests/attacks/fixtures/crowd.py" "$ADDRESS" 200 \
        "$(supervisor)" "$WSAPEER" 4
}

@test "45: a crash loop of alice's instance is hers alone" {
    tenant --
    local bobs
    bobs=$(say bob "os.getpid()")
    for _ in 1 2 3; do
        ask_tenant alice "crash()" "$ADDRESS" || true
        says bob "os.getpid()" "$bobs"
        says carol "get /uid" 1003
    done
    logged "signal 6"
    await 60 says alice "get /uid" 1001 2>/dev/null
    says bob "os.getpid()" "$bobs"
}

# Everything that the intruder tries, from the outside and from inside alice's instance, against bob's
# instance, the keepers, the supervisor and the spare.
@test "45: alice's instance can do nothing to another, to a keeper, to the supervisor" {
    tenant --
    says alice "get /uid" 1001
    says bob "get /uid" 1002
    await 20 has_spare
    local others pid alices
    alices=$(instance_of alice)
    others=$(all_of "$(supervisor)" | grep -vx "$alices")
    [ "$(wc -l <<<"$others")" -ge 6 ] || explain "supervisor, bob's, a spare, three keepers:" "$others"
    for pid in $others; do
        says alice "'could: ' + run('$FIXTURES/intruder', '$pid')" "could:"
        [ -z "$(as alice "$FIXTURES/intruder" "$pid")" ]
    done
    says bob "get /uid" 1002
    says carol "get /uid" 1003
}

has_spare() {
    "$WSAPEER" list --pid="$(supervisor)" | grep -q ' spare '
}

# What is bob's alone goes with his instance; of the service's own (the first two) each may have its own.
@test "45: alice's instance gets nobody else's listener, and does not keep it" {
    tenant -- --control
    local bobs got
    bobs=$(say bob "os.getpid()")
    says bob "get /uid" 1002 "@control-$bobs"
    got=$(say alice "run('$FIXTURES/claimant', '30')")
    [[ "$got" =~ ^1\ 2(\ [0-9]+)?$ ]] || explain "alice's instance got $got"
    says bob "get /uid" 1002 "@control-$bobs"
    kill -KILL "$bobs"
    await 20 has_ended "$bobs"
    await 20 is_no_name "@control-$bobs" || explain "alice's instance kept it"
}

# Each is a descriptor of the supervisor's, and looked at with each of alice's clients.
@test "45: alice's instance gets a few stand-ins, and none for as often as it asks" {
    tenant --
    local got
    got=$(say alice "run('$FIXTURES/claimant', '1000', '1')")
    [ "$got" -ge 8 ] && [ "$got" -le 64 ] || explain "alice's instance got $got"
    says alice "get /uid" 1001
    says bob "get /uid" 1002
    [ "$(say alice "run('$FIXTURES/claimant', '1000', '1')")" = "$got" ] || explain "they stay"
}

# The keeper writes as root. What it writes to must be somebody's who waits for its answer.
@test "45: alice's instance has its keeper write to nothing but an answer's pair" {
    tenant --
    says alice "run('$FIXTURES/stray')" 0
    says alice "get /uid" 1001
}

@test "34: the supervisor is killed: every instance ends, whatever it does" {
    tenant -- --term=ignore --children=2
    says alice "get /uid" 1001
    says bob "fork(20)" 20
    says carol "get /uid" 1003
    ends_with 137 KILL
    ! is_listening "$ADDRESS"
}

@test "34: the keeper of alice's instance is killed: hers ends, and she has another" {
    tenant --
    local alices bobs keeper
    alices=$(say alice "os.getpid()")
    bobs=$(say bob "os.getpid()")
    keeper=$(ps -o ppid= -p "$alices" | tr -d ' ')
    [ "$(ps -o comm= -p "$keeper")" = wsapeer-keeper ]
    kill -KILL "$keeper"
    await 20 has_ended "$alices"
    await 60 says alice "get /uid" 1001 2>/dev/null
    [ "$(say alice "os.getpid()")" != "$alices" ]
    says bob "os.getpid()" "$bobs"
}

@test "29: the session keyring that run was started with is not to be read in an instance" {
    cat >"$WORLD/tmp/keyring.py" <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
keyctl, add_key = {"x86_64": (250, 248), "aarch64": (219, 217)}[os.uname().machine]
libc.syscall(keyctl, 1, 0, 0, 0, 0)  # JOIN_SESSION_KEYRING, a new one
key = libc.syscall(add_key, b"user", b"wsapeer", b"root's secret", 13, -3)
print(key, file=open(sys.argv[1], "w"))
os.execvp(sys.argv[2], sys.argv[2:])
END
    local key
    serve tenant "$ADDRESS" -- /usr/bin/python3 "$WORLD/tmp/keyring.py" "$WORLD/tmp/key" \
        "$WSAPEER" run --isolate=account -- /usr/bin/python3 "$SOURCE/tests/cli/tenant.py" \
        --threads=1 "$ADDRESS"
    key=$(cat "$WORLD/tmp/key")
    [ "$key" -gt 0 ] || skip "no keys in this kernel"
    says alice "read_key($key)" "Permission denied"
    says bob "read_key($key)" "Permission denied"
}

@test "45: alice's instance hangs: the others are served, and so is she when it goes on" {
    tenant --
    local alices answer
    alices=$(say alice "os.getpid()")
    says bob "get /uid" 1002
    kill -STOP "$alices"
    say alice "get /uid" >"$WORLD/tmp/answer" &
    answer=$!
    uid_rounds --users=bob,carol,stranger --requests=600
    kill -CONT "$alices"
    wait "$answer"
    [ "$(cat "$WORLD/tmp/answer")" = 1001 ]
}

@test "45: a stopped instance does not keep the supervisor from ending" {
    tenant --stop-timeout=1 --
    local alices
    alices=$(say alice "os.getpid()")
    kill -STOP "$alices"
    ends_with ".*" TERM
    await 10 has_ended "$alices"
}

@test "45: 200 processes of alice's instance: the others are served, and nothing is left" {
    tenant --stop-timeout=1 --
    says bob "get /uid" 1002
    says alice "[fork(1) for _ in range(200)] and 1" 1
    uid_rounds --users=bob,carol,stranger --requests=600
    says alice "get /uid" 1001
    ends_with 143 TERM
}

@test "45: a hog of 300 MB in alice's instance: the others are served" {
    tenant --
    says bob "get /uid" 1002
    says alice "hog(300)" 300
    uid_rounds --users=bob,carol,stranger --requests=600
    says alice "get /uid" 1001
}

# More connections than its queue holds, to an instance that takes none: only hers wait.
@test "45: 300 connections to an instance that hangs keep nobody else waiting" {
    tenant --
    local alices crowd
    alices=$(say alice "os.getpid()")
    kill -STOP "$alices"
    as alice /usr/bin/python3 -c 'if True:
        import socket, sys
        held = [socket.create_connection(("127.0.0.1", 7000), 20) for _ in range(300)]
        for one in held:
            one.sendall(b"get /uid\n")
        print("connected", flush=True)
        sys.exit(sum(one.makefile().readline() != "ok 1001\n" for one in held))' >"$WORLD/tmp/crowd" &
    crowd=$!
    await 20 grep -q connected "$WORLD/tmp/crowd"
    uid_rounds --users=bob,carol,stranger --requests=600
    kill -CONT "$alices"
    wait "$crowd"
}
