# wsapeer run without --isolate: a server that waits by epoll becomes the first of its instances.
bats_require_minimum_version 1.5.0
load tenant

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    [ ! -e "$WORLD/tmp/pid" ] || kill -KILL "$(cat "$WORLD/tmp/pid")" 2>/dev/null || true
    stop_all
}

is_silent() {
    ! is_listening "$ADDRESS"
}

no_keeper_is_left() {
    ! pgrep -x wsapeer-keeper >/dev/null
}

# Only the first Python gets as far as its own code: the others wait before that until $GO is open.
hold_all_but_the_first() {
    export FIRST=$WORLD/tmp/first GO=$WORLD/tmp/go
    rm -f "$FIRST" "$GO"
    mkfifo "$GO"
    cat >"$WORLD/tmp/hold.c" <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void hold(void)
{
    if (strcmp(program_invocation_short_name, "python3") == 0 &&
        open(getenv("FIRST"), O_CREAT | O_EXCL, 0600) < 0)
        close(open(getenv("GO"), O_RDONLY));
}
END
    gcc -D_GNU_SOURCE -shared -fPIC -o "$WORLD/tmp/hold.so" "$WORLD/tmp/hold.c"
}

# The server that was started stays the process that was started, and its end is everybody's.
@test "auto: a loop becomes the first process of its instances, and ends them" {
    ISOLATION='' tenant --
    each_his_own_at "$ADDRESS"
    grep -q tenant.py "/proc/$(supervisor)/cmdline"
    says alice "os.getpid() == $(supervisor)" False
    ends_with 143 TERM
    await 20 is_silent
}

@test "auto: the first process is killed: every instance ends" {
    ISOLATION='' tenant --stop-timeout=1 -- --term=ignore
    local alices
    alices=$(say alice "os.getpid()")
    ends_with 137 KILL
    await 20 has_ended "$alices"
    await 20 is_silent
}

@test "auto: signals for the first process are for the instances, too" {
    local signals=$WORLD/tmp/signals pid
    : >"$signals"
    chmod 666 "$signals"
    ISOLATION='' tenant -- --signals="$signals"
    pid=$(say alice "os.getpid()")
    kill -HUP "$(supervisor)"
    await 20 grep -qx "$pid SIGHUP" "$signals" || explain "$(cat "$signals")"
}

@test "auto: a server that never listens gives run its status" {
    local status=0
    timeout 20 "$WSAPEER" run -- /usr/bin/python3 "$SOURCE/tests/cli/tenant.py" --fail=7 "$ADDRESS" \
        2>"$WORLD/tmp/said" || status=$?
    [ "$status" = 7 ] || explain "status $status" "$(cat "$WORLD/tmp/said")"
}

# daemon OPTION...: started, detached, and whoever reads what it says has seen the end of that.
daemon() {
    local said from starter
    rm -f "$WORLD/tmp/pid"
    exec {from}< <(
        close_descriptors
        exec "$WSAPEER" run --verbose --log="$WORLD/tmp/log" -- /usr/bin/python3 \
            "$SOURCE/tests/cli/tenant.py" --daemon --pidfile="$WORLD/tmp/pid" "$@" "$ADDRESS" 2>&1
    )
    starter=$!
    said=$(timeout 100 cat <&"$from")
    exec {from}<&-
    [ -z "$said" ] || explain "$said"
    wait "$starter"
}

# Its signals are everybody's, and its end.
is_the_service() { # PID SIGNALS
    local alices
    each_his_own_at "$ADDRESS"
    alices=$(say alice "os.getpid()")
    kill -USR1 "$1"
    await 20 grep -qx "$1 SIGUSR1" "$2"
    await 20 grep -qx "$alices SIGUSR1" "$2"
    kill -TERM "$1"
    await 20 has_ended "$alices" || explain "alice's instance has not ended"
    await 20 is_silent
    await 20 no_wsapeer_is_left
}

@test "auto: a server that becomes a daemon has instances all the same" {
    : >"$WORLD/tmp/signals"
    chmod 666 "$WORLD/tmp/signals"
    daemon --signals="$WORLD/tmp/signals"
    is_the_service "$(cat "$WORLD/tmp/pid")" "$WORLD/tmp/signals"
}

# As lighttpd does: the first process ends when the daemon says that it is ready, and waits.
@test "auto: a daemon may serve before the process that was started has ended" {
    local starter ready
    : >"$WORLD/tmp/signals"
    chmod 666 "$WORLD/tmp/signals"
    rm -f "$WORLD/tmp/ready"
    mkfifo "$WORLD/tmp/ready"
    daemon --signals="$WORLD/tmp/signals" --ready="$WORLD/tmp/ready" &
    starter=$!
    await 20 is_listening "$ADDRESS"
    each_his_own_at "$ADDRESS"
    exec {ready}<>"$WORLD/tmp/ready"
    await 20 has_ended "$starter"
    exec {ready}<&-
    wait "$starter"
    is_the_service "$(cat "$WORLD/tmp/pid")" "$WORLD/tmp/signals"
}

# In a container the first process there is may look like one of the daemon's.
@test "auto: a daemon without a session of its own is told from its new parent" {
    : >"$WORLD/tmp/signals"
    chmod 666 "$WORLD/tmp/signals"
    daemon --signals="$WORLD/tmp/signals" --attached
    each_his_own_at "$ADDRESS"
    grep -q "^TracerPid:	0" /proc/1/status
    is_the_service "$(cat "$WORLD/tmp/pid")" "$WORLD/tmp/signals"
}

# Its start was watched no more from the moment it was told to end: it stood still until it was killed.
@test "auto, account: TERM ends at once what is about to start" {
    local isolation newest
    for isolation in '' --isolate=account; do
        newest=${isolation:+2}
        hold_all_but_the_first
        LD_PRELOAD=$WORLD/tmp/hold.so ISOLATION=$isolation tenant -v --
        logged "instance ${newest:-1} of the server was started"
        ends_with 143 TERM
        await 10 no_wsapeer_is_left || explain "left behind:" "$(ps -eo pid=,args=)"
    done
}

# It may have read the old configuration already, and has no handler yet.
@test "auto, account: a signal comes late to what is about to start, but it comes" {
    local signals=$WORLD/tmp/signals isolation newest pid go
    for isolation in '' --isolate=account; do
        newest=${isolation:+2}
        hold_all_but_the_first
        : >"$signals"
        chmod 666 "$signals"
        LD_PRELOAD=$WORLD/tmp/hold.so ISOLATION=$isolation tenant -v -- --signals="$signals"
        logged "instance ${newest:-1} of the server was started"
        kill -HUP "$(supervisor)"
        kill -USR1 "$(supervisor)"
        await 20 grep -q SIGHUP "$signals"
        await 20 grep -q SIGUSR1 "$signals"
        exec {go}<>"$GO"
        pid=$(say alice "os.getpid()")
        await 20 grep -qx "$pid SIGHUP" "$signals" || explain "$(cat "$signals")"
        await 20 grep -qx "$pid SIGUSR1" "$signals" || explain "$(cat "$signals")"
        stop tenant
        exec {go}<&-
    done
}

# Its tracer's end is its own.
@test "auto: the first process may take its time to end" {
    local alices pid status=0 farewell
    mkfifo "$WORLD/tmp/farewell"
    ISOLATION='' tenant -v -- --farewell="$WORLD/tmp/farewell"
    alices=$(say alice "os.getpid()")
    pid=$(supervisor)
    kill -TERM "$pid"
    await 20 has_ended "$alices"
    await 20 is_silent
    await 20 no_keeper_is_left
    exec {farewell}<>"$WORLD/tmp/farewell.first"
    wait "$pid" || status=$?
    exec {farewell}<&-
    [ "$status" = 5 ] || explain "it ended with $status, not 5"
    await 10 no_wsapeer_is_left
    rm "$(servers_directory)/tenant.pid"
}

@test "auto: a first process that ignores TERM is killed after --stop-timeout" {
    ISOLATION='' tenant --stop-timeout=1 -- --term=ignore
    says alice "get /uid" 1001
    ends_with 137 TERM
    logged "first process has not ended after --stop-timeout: it is killed"
    await 10 no_wsapeer_is_left
}

can_be_bound() {
    /usr/bin/python3 -c 'import socket, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 7000))'
}

# Who waits for its end may start it again at once, however long the instances take.
@test "auto: when the first process has ended its addresses are free" {
    local pid
    ISOLATION='' tenant --stop-timeout=3 -- --term=ignore
    says alice "get /uid" 1001
    await 20 has_spares 1
    pid=$(supervisor)
    kill -KILL "$pid"
    wait "$pid" || true
    can_be_bound
    rm "$(servers_directory)/tenant.pid"
    await 10 no_wsapeer_is_left
}

# Workers of the first process have no keeper: the end of what stands for their listeners would wake
# them for ever.
@test "auto: when the supervisor is killed the server ends, workers and all" {
    local pid workers
    for workers in 0 2; do
        ISOLATION='' tenant -- --workers="$workers"
        each_his_own_at "$ADDRESS"
        pid=$(supervisor)
        kill -KILL "$(pgrep -xo wsapeer)"
        await 20 has_ended "$pid"
        await 20 nothing_left_of "$pid" || explain "left: $(ps -o pid=,time=,args= -s "$pid")"
        await 20 is_silent
        await 20 no_wsapeer_is_left
        rm "$(servers_directory)/tenant.pid"
    done
}
