# wsapeer run without --isolate: a server that waits by epoll becomes the first of its instances.
bats_require_minimum_version 1.5.0
load tenant

each_his_own_at() { # ADDRESS
    says alice "get /uid" 1001 "$1"
    says bob "get /uid" 1002 "$1"
    turned_away root "$1"
}

is_silent() {
    ! is_listening "$ADDRESS"
}

no_wsapeer_is_left() {
    ! pgrep -x 'wsapeer.*' >/dev/null
}

# Only the first Python gets as far as its own code: the others wait before that.
hold_all_but_the_first() {
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
        pause();
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

@test "auto: a server that becomes a daemon has instances all the same" {
    ISOLATION='' tenant -- --daemon --pidfile="$WORLD/tmp/pid"
    local pid
    each_his_own_at "$ADDRESS"
    pid=$(say alice "os.getpid()")
    kill -TERM "$(cat "$WORLD/tmp/pid")"
    await 20 has_ended "$pid" || explain "alice's instance has not ended"
    await 20 is_silent
}

# Its start was watched no more from the moment it was told to end: it stood still until it was killed.
@test "auto, account: TERM ends at once what is about to start" {
    hold_all_but_the_first
    for isolation in '' --isolate=account; do
        FIRST=$(mktemp -u) LD_PRELOAD=$WORLD/tmp/hold.so ISOLATION=$isolation tenant -v --
        logged "instance . of the server was started"
        ends_with 143 TERM
        await 20 is_silent
        await 10 no_wsapeer_is_left || explain "left behind:" "$(ps -eo pid=,args=)"
    done
}
