# wsapeer run --isolate=account: what the supervisor of a server with an instance for each account does.
# shellcheck disable=SC2154 # run sets stderr
bats_require_minimum_version 1.5.0
load tenant

setup() {
    SOCKET=$WORLD/tenant-$BATS_TEST_NUMBER.sock
    MANAGER=$WORLD/manager-$BATS_TEST_NUMBER
}

@test "account: each account has an instance, which is that account's in every thread and process" {
    tenant --stop-timeout=2 -- --threads=3 --children=2 # nobody tells its children to end
    local user pid
    for user in alice bob carol stranger; do
        says "$user" "get /uid" "$(id -u "$user")"
        pid=$(instance_of "$user")
        says "$user" "os.getpid()" "$pid"
        says "$user" "os.getpid()" "$pid"
        every_task_is "$user" "$pid" 6
    done
    says alice "get $WORLD/home/alice/private" "alice's private"
    says carol "get $WORLD/home/shared/staff" "staff's own"
    refuses bob "get $WORLD/home/alice/private"
    refuses bob "get $WORLD/home/shared/staff"
}

@test "account: an instance holds no listener, nor a socket of another's" {
    tenant --
    says alice "real_listeners()" 0
    says bob "real_listeners()" 0
    local alices bobs
    alices=$(sockets_of "$(instance_of alice)")
    bobs=$(sockets_of "$(instance_of bob)")
    [ -n "$alices" ]
    [ -n "$bobs" ]
    [ -z "$(comm -12 <(echo "$alices") <(echo "$bobs"))" ]
}

sockets_of() { # PID
    find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | sort
}

@test "account: who is not to be served reaches no instance" {
    tenant --deny=bob --
    turned_away root
    turned_away bob
    says alice "get /uid" 1001
    logged "refused .*bob"
    [ -z "$(instance_of bob)" ]
}

@test "account: an idle instance ends after --idle, and the next request has a new one" {
    tenant --idle=1 --
    local pid
    pid=$(say alice "os.getpid()")
    await 20 has_ended "$pid"
    says alice "get /uid" 1001
    [ "$(say alice "os.getpid()")" != "$pid" ]
}

# bob's instance, which is idle, has gone when hers could have gone, too.
@test "account: an instance that has a connection is not idle" {
    tenant --idle=1 --
    as alice /usr/bin/python3 -c 'if True:
        import socket, sys
        connection = socket.create_connection(("127.0.0.1", 7000), 60)
        answers = connection.makefile()
        for _ in range(2):
            connection.sendall(b"os.getpid()\n")
            print(answers.readline(), end="", flush=True)
            sys.stdin.read()' < <(
        await 20 test -s "$WORLD/tmp/said"
        bobs=$(say bob "os.getpid()")
        await 20 has_ended "$bobs" && touch "$WORLD/tmp/ended"
    ) >"$WORLD/tmp/said"
    [ -e "$WORLD/tmp/ended" ] || explain "bob's idle instance has not ended"
    [ "$(sort "$WORLD/tmp/said" | uniq -c | grep -c '2 ok [0-9]')" = 1 ] || explain "$(cat "$WORLD/tmp/said")"
}

@test "account: with --spares=0 nothing waits, and everybody is served all the same" {
    tenant --spares=0 --
    says alice "get /uid" 1001
    says bob "get /uid" 1002
    says alice "get /uid" 1001
    has_spares 0
}

@test "account: a spare is warm, and another when it is taken" {
    tenant --
    says alice "get /uid" 1001
    await 20 has_spares 1
    says bob "get /uid" 1002
    await 20 has_spares 1
    stop tenant
    tenant --spares=3 --
    says alice "get /uid" 1001
    await 20 has_spares 3
}

# ---- its end ------------------------------------------------------------------------------------

serve_three() { # TENANT OPTION...
    tenant_at "$SOCKET" "$ADDRESS" : -- "$@"
    says alice "get /uid" 1001
    says bob "get /uid" 1002 "$SOCKET"
    says carol "get /uid" 1003
    await 20 has_spares 1 # one that is about to start ends as Python does
}

nothing_listens() {
    ! is_listening "$ADDRESS" && [ ! -e "$SOCKET" ]
}

@test "account: TERM ends all of it as it would end the server: by the signal" {
    serve_three
    ends_with 143 TERM
    nothing_listens
}

@test "account: TERM ends all of it with the status that the server has for that" {
    serve_three --term=5
    ends_with 5 TERM
    nothing_listens
}

@test "account: INT does, too" {
    serve_three
    ends_with 130 INT
    nothing_listens
}

@test "account: TERM is not lost on an instance that is about to start" {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        tenant --
        says alice "get /uid" 1001
        ends_with 143 TERM
    done
}

@test "account: what ignores TERM is killed after --stop-timeout" {
    tenant --stop-timeout=1 -- --term=ignore --children=3
    says alice "get /uid" 1001
    says bob "fork(5)" 5
    ends_with "137|143" TERM # a spare that was about to ignore it
    logged "has not ended after --stop-timeout"
    nothing_listens
}

@test "account: HUP, USR1, USR2 and WINCH come to every instance" {
    local signals=$WORLD/tmp/signals user name
    : >"$signals"
    chmod 666 "$signals"
    tenant -- --signals="$signals"
    says alice "get /uid" 1001
    says bob "get /uid" 1002
    for name in USR1 USR2 WINCH HUP; do
        kill -"$name" "$(supervisor)"
        for user in alice bob; do
            await 20 grep -qx "$(instance_of "$user") SIG$name" "$signals" ||
                explain "$user's instance had no $name" "$(cat "$signals")"
        done
    done
    says alice "get /uid" 1001
}

@test "account: a server that never listens gives run its status" {
    local status=0
    timeout 20 "$WSAPEER" run --isolate=account -- \
        /usr/bin/python3 "$SOURCE/tests/cli/tenant.py" --fail=7 "$ADDRESS" 2>"$WORLD/tmp/said" || status=$?
    [ "$status" = 7 ] || explain "status $status" "$(cat "$WORLD/tmp/said")"
    grep -q "tenant: no, not today" "$WORLD/tmp/said"
}

@test "account: run's own failures are 125, 126, 127" {
    run -127 timeout 20 "$WSAPEER" run --isolate=account nosuchserver
    run -126 timeout 20 "$WSAPEER" run --isolate=account /etc/passwd
    run -125 timeout 20 "$WSAPEER" run --isolate=account --idle=never true
    run -125 timeout 20 "$WSAPEER" run --isolate=account --inline true
}

# ---- a server that cannot run twice -------------------------------------------------------------

# Who comes first may have the one that runs; nobody else can.
@test "account: a server that refuses to run twice: refusals, and the log says why and what to try" {
    tenant -- --lock="$WORLD/tmp/lock"
    ask_tenant alice "get /uid" "$ADDRESS" || true
    turned_away bob
    logged "status 3.*its last line was \"tenant: $WORLD/tmp/lock is locked: is another one running\?\""
    logged "cannot run twice.*%i.*--instance-tmp"
    turned_away carol
}

@test "account: %i in its arguments lets it run twice" {
    tenant -- --lock="$WORLD/tmp/lock-%i"
    says alice "get /uid" 1001
    says bob "get /uid" 1002
    says carol "get /uid" 1003
}

# ---- what an instance is told -------------------------------------------------------------------

@test "account: %u, %U, %i and %% in arguments and environment are the account's" {
    export NOTE="e %u %U %i"
    tenant -- --note="a %u %U 100%%"
    says alice "options.note" "a alice 1001 100%"
    says bob "options.note" "a bob 1002 100%"
    [[ $(say alice 'os.environ["NOTE"]') =~ ^e\ alice\ 1001\ [0-9]+$ ]]
    [[ $(say bob 'os.environ["NOTE"]') =~ ^e\ bob\ 1002\ [0-9]+$ ]]
    unset NOTE
}

@test "account: %i is the number that list tells" {
    tenant -- --note="%i"
    local user number
    for user in alice bob; do
        number=$(say "$user" "options.note")
        [[ $number =~ ^[0-9]+$ ]]
        [ "$number" = "$("$WSAPEER" list --pid="$(supervisor)" --no-header |
            awk -v who="$user" '$1 == who { print $2 }')" ]
    done
}

@test "account: --instance-tmp gives each a directory of its own, for as long as it lives" {
    tenant --instance-tmp --
    local alices bobs
    alices=$(say alice 'os.environ["TMPDIR"]')
    bobs=$(say bob 'os.environ["TMPDIR"]')
    [ "$alices" != "$bobs" ]
    [ "$(stat -c '%u %g %a' "$alices")" = "1001 1001 700" ] || explain "$(stat "$alices")"
    [ "$(stat -c '%u %g %a' "$bobs")" = "1002 1002 700" ] || explain "$(stat "$bobs")"
    says alice "open('$alices/file', 'w').write('text')" 4
    refuses bob "os.listdir('$alices')"
    as alice mkdir "$alices/below"
    stop tenant
    [ ! -e "$alices" ]
    [ ! -e "$bobs" ]
}

# ---- where it listens ---------------------------------------------------------------------------

each_his_own_at() { # ADDRESS
    says alice "get /uid" 1001 "$1"
    says bob "get /uid" 1002 "$1"
    turned_away root "$1"
    /usr/bin/python3 "$SOURCE/tests/servers/client.py" load --lines --requests=400 --ask=uid \
        --prefix="get " "$1"
}

@test "account: over AF_UNIX, by a path and by an abstract name" {
    tenant_at "$SOCKET" : --
    each_his_own_at "$SOCKET"
    stop tenant
    [ ! -e "$SOCKET" ]
    tenant_at @tenant : --
    each_his_own_at @tenant
}

@test "account: over IPv6, and IPv4 on the same listener" {
    tenant_at "[::1]:7000" : --
    each_his_own_at "[::1]:7000"
    stop tenant
    tenant_at "[::]:7000" : -- --dual
    each_his_own_at "[::1]:7000"
    each_his_own_at 127.0.0.1:7000
}

@test "account: at several addresses at once, each account's instance behind all of them" {
    tenant_at 127.0.0.1:7000 127.0.0.1:7001 "[::1]:7000" "$SOCKET" @tenant : --
    local pid address
    pid=$(say alice "os.getpid()")
    for address in 127.0.0.1:7001 "[::1]:7000" "$SOCKET" @tenant; do
        says alice "os.getpid()" "$pid" "$address"
        each_his_own_at "$address"
    done
}

@test "account: two listeners at one address, by SO_REUSEPORT" {
    tenant -- --reuseport
    each_his_own_at "$ADDRESS"
}

@test "account: a name that an instance alone has listened on goes with it" {
    tenant --idle=1 -- --control
    local alices
    alices=$(say alice "os.getpid()")
    says alice "get /uid" 1001 "@control-$alices"
    await 20 has_ended "$alices"
    await 10 is_no_name "@control-$alices" || explain "still there"
    says alice "get /uid" 1001
}

# ---- what others are told -----------------------------------------------------------------------

told() { # TEXT
    await 20 grep -q "$1" "$(log_of manager)" || explain "not told: $1" "$(cat "$(log_of manager)")"
}

start_manager() {
    local directory
    directory=$(servers_directory)
    mkdir -p "$directory"
    (
        close_descriptors
        exec setsid /usr/bin/python3 "$SOURCE/tests/cli/notified.py" "$MANAGER"
    ) >"$directory/manager.log" 2>&1 </dev/null &
    echo $! >"$directory/manager.pid"
    told listening
    export NOTIFY_SOCKET=$MANAGER
}

@test "account: the service manager is told of readiness, reloads, counts and the end" {
    start_manager
    tenant --
    told "^READY=1"
    says alice "get /uid" 1001
    says bob "get /uid" 1002
    told "^STATUS=2 "
    says alice "os.environ.get('NOTIFY_SOCKET') == '$MANAGER'" False
    kill -HUP "$(supervisor)"
    told "^RELOADING=1"
    told "^MONOTONIC_USEC=[0-9]"
    stop tenant
    told "^STOPPING=1"
}

@test "account: a server that speaks to the service manager itself is ready when it says so" {
    start_manager
    tenant -- --notify
    told "^READY=1"
    says alice "get /uid" 1001
}

@test "account: list shows account and pid of each instance" {
    tenant --
    local alices bobs table
    alices=$(say alice "os.getpid()")
    bobs=$(say bob "os.getpid()")
    table=$("$WSAPEER" list --pid="$(supervisor)")
    [[ $table = "ACCOUNT "*PID*STATE* ]]
    grep -qE "^alice +[0-9]+ +$alices +serving " <<<"$table" || explain "$table"
    grep -qE "^bob +[0-9]+ +$bobs +serving " <<<"$table" || explain "$table"
    "$WSAPEER" list --json --pid="$(supervisor)" | /usr/bin/python3 -c 'if True:
        import json, sys
        facts = json.load(sys.stdin)
        serving = {i["account"] for i in facts["instances"] if i["state"] == "serving"}
        assert facts["version"] == 1 and serving == {"alice", "bob"}, facts'
}
