# wsapeer run: what it refuses to start, how it says so, and that the server notices nothing.
# shellcheck disable=SC2154,SC2016 # run sets stderr and stderr_lines; other shells expand
bats_require_minimum_version 1.5.0
load ../lib/world
load refused

refused() { # STATUS TEXT ARGUMENT...
    refuses run "wsapeer: " "$@"
}

program() {
    printf '%s\n' "$2" >"$WORLD/tmp/$1"
    chmod 755 "$WORLD/tmp/$1"
    echo "$WORLD/tmp/$1"
}

@test "run: --help and --usage are for stdout, and no failure" {
    run --separate-stderr "$WSAPEER" run --help
    [ "$status" = 0 ]
    [ -z "$stderr" ]
    [[ $output == "Usage: wsapeer run "*--allow=WHO*--explain=WHO*--isolate=auto?scope?connection?account*--idle=SECONDS* ]]
    run --separate-stderr "$WSAPEER" run -v --usage
    [ "$status" = 0 ]
    [ -z "$stderr" ]
    [[ $output == "Usage: wsapeer run "* ]]
}

@test "run: usage errors are one line and 125" {
    refused 125 "no option --frob:" --frob ls
    refused 125 "no option -x:" -vx ls
    refused 125 "option --allow needs a value" --allow
    refused 125 "option -d needs a value" -d
    refused 125 "option --gate takes no value" --gate=yes ls
    refused 125 "option --lo is short for several" --lo=x ls
    refused 125 "no server to run"
    refused 125 "no server to run" -v --
    refused 125 "--log-format=xml" --log-format=xml ls
    refused 125 "--datagrams=maybe: there is no such way" --datagrams=maybe ls
    refused 125 "--isolate=accounts: there is no such way" --isolate=accounts ls
}

@test "run: numbers are whole ones within their bounds, or one line and 125" {
    local value
    for value in "" x 1x -1 +1 " 1" 1.5 0x10 1000001 4294967296 18446744073709551617; do
        refused 125 "--idle=$value: it takes a whole number from 1 to" "--idle=$value" ls
        refused 125 "--stop-timeout=$value: it takes a whole number from 0 to" "--stop-timeout=$value" ls
        refused 125 "--max-instances=$value: it takes a whole number from 1 to" "--max-instances=$value" ls
        [ "$value" = "" ] || refused 125 "--spares=$value: it takes" --spares "$value" ls
    done
    refused 125 "--idle=0: it takes a whole number from 1" --idle=0 ls
    refused 125 "--max-instances=0: it takes a whole number from 1" --max-instances=0 ls
    refused 125 "--spares=65: it takes a whole number from 0 to 64" --spares=65 ls
    refused 125 "option --instance-tmp takes no value" --instance-tmp=/tmp ls
    "$WSAPEER" run --idle=1 --max-instances=65536 --spares=0 --stop-timeout=0 --instance-tmp \
        --explain=alice
    "$WSAPEER" run -i account --idle 1000000 --spares 64 --explain=alice
}

@test "run: rules that cannot be understood are one line and 125" {
    refused 125 "--allow=" --allow=nosuchuser ls
    refused 125 "--deny=" --deny=@nosuchgroup ls
    refused 125 "--map=" --map=192.0.2.0/99=alice ls
    refused 125 "--map=" --map=alice ls
}

@test "run: options that cannot work together are refused" {
    refused 125 "--gate refuses peers and --observe refuses nobody" --gate --observe ls
    refused 125 "--gate refuses peers and --observe refuses nobody" -og ls
    refused 125 "--map=alice=bob with --gate" --map=alice=bob --gate ls
    refused 125 "--ground with --gate" --gate --ground=base ls
    refused 125 "--inline with --gate" --inline --gate ls
    refused 125 "--ground with --observe" --observe --ground=none ls
    refused 125 "--isolate=account with --gate" --isolate=account --gate ls
    refused 125 "--isolate=account with --observe" --observe -i account ls
    refused 125 "--spares with --gate" --gate --spares=0 ls
    refused 125 "--isolate=connection with --gate" --isolate=connection --gate ls
    refused 125 "--max-processes without --isolate=connection" --max-processes=3 ls
    refused 125 "--idle with --isolate=connection" -i connection --idle=3 ls
    refused 125 "--inline with --isolate=connection" --inline -i connection ls
    refused 125 "--inline with --isolate=account" --inline --isolate=account ls
    refused 125 "--ground with --isolate=account" --ground=www-data --isolate=account ls
    refused 125 "--chroot-ok with --isolate=account" --chroot-ok --isolate=account ls
    refused 125 "--chroot-ok with --gate: no credentials are changed then" --chroot-ok --gate ls
    refused 125 "--chroot-ok with --observe" --chroot-ok --observe ls
    refused 125 "option --chroot-ok takes no value" --chroot-ok=yes ls
    refused 125 "--idle with --isolate=scope" --idle=5 --isolate=scope ls
    refused 125 "--instance-tmp with --inline" --inline --instance-tmp ls
}

@test "run: a server that is not there is 127, one that cannot be executed 126" {
    refused 127 "nosuchserver" nosuchserver
    refused 127 "/nonexistent/server" -- /nonexistent/server --option
    refused 126 "/etc/passwd" /etc/passwd
    refused 126 "$WORLD" "$WORLD"
    refused 126 "garbage" "$(program garbage garbage)"
    refused 127 "/nonexistent/interpreter" "$(program lost "#!/nonexistent/interpreter")"
}

@test "run: a server into which the library cannot be loaded is 125, a script of one too" {
    command -v gcc >/dev/null || skip "no compiler"
    echo 'int main(void) { return 0; }' >"$WORLD/tmp/server.c"
    gcc -static -o "$WORLD/tmp/static" "$WORLD/tmp/server.c"
    gcc -o "$WORLD/tmp/setuid" "$WORLD/tmp/server.c"
    chmod u+s "$WORLD/tmp/setuid"
    cp "$WORLD/tmp/setuid" "$WORLD/tmp/foreign"
    chmod 755 "$WORLD/tmp/foreign"
    printf '\x15\x00' | dd of="$WORLD/tmp/foreign" bs=1 seek=18 conv=notrunc status=none # e_machine: POWER
    refused 125 "static" "$WORLD/tmp/static"
    refused 125 "setuid" "$WORLD/tmp/setuid"
    refused 125 "foreign" "$WORLD/tmp/foreign"
    refused 125 "static" "$(program script "#!$WORLD/tmp/static")"
    refused 125 "static" "$(program env "#!/usr/bin/env -S $WORLD/tmp/static --option")"
}

@test "run: without privilege it names what works without" {
    run --separate-stderr as alice "$WSAPEER" run true
    [ "$status" = 125 ]
    [ "${#stderr_lines[@]}" = 1 ]
    [[ $stderr == *--gate* && $stderr == *--observe* ]]
    as alice "$WSAPEER" run --gate true
    as alice "$WSAPEER" run --observe true
}

@test "run: root without the two capabilities, or with SECBIT_NO_SETUID_FIXUP, is refused" {
    run --separate-stderr setpriv --bounding-set=-setgid "$WSAPEER" run true
    [ "$status" = 125 ]
    [[ $stderr == *CAP_SETGID*--gate* ]]
    run --separate-stderr setpriv --securebits=+no_setuid_fixup "$WSAPEER" run true
    [ "$status" = 125 ]
    [[ $stderr == *SECBIT_NO_SETUID_FIXUP*--gate* ]]
}

@test "run: root without CAP_SYS_PTRACE and CAP_KILL, as in a container, is not" {
    setpriv --bounding-set=-sys_ptrace,-kill "$WSAPEER" run true
}

@test "run: ambient capabilities do not reach the server" {
    setpriv --inh-caps=+net_raw --ambient-caps=+net_raw "$WSAPEER" run \
        grep CapAmb /proc/self/status >"$WORLD/tmp/ambient"
    grep -q '^CapAmb:	0000000000000000$' "$WORLD/tmp/ambient"
}

@test "run: --explain tells what would be, and runs nothing" {
    run --separate-stderr "$WSAPEER" run --deny=bob --explain=bob touch "$WORLD/tmp/ran"
    [ "$status" = 0 ]
    [[ $output == *--deny=bob* ]]
    [ ! -e "$WORLD/tmp/ran" ]
    run --separate-stderr as alice "$WSAPEER" run --explain=alice
    [ "$status" = 0 ]
    [ -n "$output" ]
    refused 125 "nosuchuser" --explain=nosuchuser
}

@test "run: --ground must be an account, and not root's" {
    refused 125 "--ground=nosuchuser" --ground=nosuchuser true
    refused 125 "--ground=root: this account is root" --ground=root true
    "$WSAPEER" run --ground=www-data true
}

@test "run: --ground=base warns at start" {
    run --separate-stderr "$WSAPEER" run --ground=base true
    [ "$status" = 0 ]
    [[ $stderr == *"warning: --ground=base: what the server does for nobody runs with root's rights"* ]]
}

@test "run: --log=FILE takes the lines, with mode 0640; a log that cannot be written is 125" {
    "$WSAPEER" run --ground=base --log="$WORLD/tmp/log" true
    grep -q 'wsapeer: warning: --ground=base' "$WORLD/tmp/log"
    [ "$(stat -c %a "$WORLD/tmp/log")" = 640 ]
    refused 125 "--log=/nonexistent/log" --log=/nonexistent/log true
    "$WSAPEER" run --ground=base --log="$WORLD/tmp/json" --log-format=json true
    python3 -c 'import json, sys; o = json.loads(open(sys.argv[1]).read())
assert o["version"] == 1 and o["event"] == "warning", o' "$WORLD/tmp/json"
}

@test "run: a library that no server could load is refused before the start" {
    local place=$WORLD/tmp/place
    mkdir -p "$place/cli" "$place/preload/hooks" "$place/with space"
    cp "$WSAPEER" "$place/cli"
    WSAPEER=$place/cli/wsapeer refused 125 "libwsapeer-preload.so: No such file" true
    head -c 1000 /bin/ls | tr E F >"$place/preload/hooks/libwsapeer-preload.so"
    WSAPEER=$place/cli/wsapeer refused 125 "no library for this machine" true
    rm "$place/preload/hooks/libwsapeer-preload.so"
    mkdir "$place/preload/hooks/libwsapeer-preload.so"
    WSAPEER=$place/cli/wsapeer refused 125 "no regular file" true
    rmdir "$place/preload/hooks/libwsapeer-preload.so"
    cp "$BUILD/preload/hooks/"* "$place/preload/hooks" 2>/dev/null || true
    "$place/cli/wsapeer" run true
    cp -r "$place/cli" "$place/preload" "$place/with space"
    WSAPEER="$place/with space/cli/wsapeer" refused 125 "LD_PRELOAD cannot hold" true
    mount -t tmpfs -o noexec none "$place/preload/hooks"
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$place/preload/hooks"
    WSAPEER=$place/cli/wsapeer refused 125 "mounted noexec" true
    umount "$place/preload/hooks"
}

@test "run: status, arguments, standard descriptors, pid and LD_PRELOAD are the server's own" {
    run -7 "$WSAPEER" run -- sh -c 'exit 7'
    run -0 "$WSAPEER" run sh -c 'echo "$@"' server --allow -x --
    [ "$output" = "--allow -x --" ]
    run -143 "$WSAPEER" run sh -c 'kill -TERM $$'
    run -0 sh -c 'exec 0<&-; exec "$1" run sh -c "[ ! -e /proc/self/fd/0 ] && echo closed"' sh "$WSAPEER"
    [ "$output" = closed ]
    run -0 sh -c 'echo $$; exec "$1" run sh -c "echo \$\$"' sh "$WSAPEER"
    [ "${lines[0]}" = "${lines[1]}" ]
    # The loader, before any hook, is what must see both.
    run -0 env LD_PRELOAD=/nonexistent/other.so "$WSAPEER" run true
    [[ $output == *"/nonexistent/other.so"*ignored* && $output != *libwsapeer* ]]
}

@test "run: the server has no child, no tracer, its own signals, and its own parent" {
    cat >"$WORLD/tmp/look.py" <<'END'
import os, signal, sys
try:
    os.wait()
    sys.exit("there is a child")
except ChildProcessError:
    pass
status = open("/proc/self/status").read()
assert "TracerPid:\t0\n" in status, status
print(os.getppid(), *[line.split()[1] for line in status.splitlines() if line[:4] in ("SigB", "SigI", "SigC")])
END
    sh -c 'trap "" USR1; /usr/bin/python3 "$1"; exit' sh "$WORLD/tmp/look.py" >"$WORLD/tmp/plain"
    sh -c 'trap "" USR1; "$2" run /usr/bin/python3 "$1"; exit' sh "$WORLD/tmp/look.py" "$WSAPEER" \
        >"$WORLD/tmp/wrapped"
    [ "$(cut -d' ' -f2- "$WORLD/tmp/plain")" = "$(cut -d' ' -f2- "$WORLD/tmp/wrapped")" ] ||
        explain "$(cat "$WORLD/tmp/plain" "$WORLD/tmp/wrapped")"
    # As the first process of a container, and as one to whom orphans come, it has none either.
    unshare --pid --fork --mount-proc --kill-child "$WSAPEER" run /usr/bin/python3 "$WORLD/tmp/look.py"
    /usr/bin/python3 -c 'import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
os.execv(sys.argv[1], ["wsapeer", "run", "/usr/bin/python3", sys.argv[2]])' "$WSAPEER" "$WORLD/tmp/look.py"
}

@test "run: a script that reads the server's output goes on when the server ends" {
    [ "$(timeout 20 "$WSAPEER" run echo text)" = text ]
    [ "$(timeout 20 "$WSAPEER" run --log="$WORLD/tmp/log" echo text 2>&1)" = text ]
}

@test "run: stops and signals in the middle of the start are the server's, and are not lost" {
    /usr/bin/python3 - "$WSAPEER" <<'END'
import os, signal, subprocess, sys, time
for delay in range(40):
    server = subprocess.Popen([sys.argv[1], "run", "/usr/bin/python3", "-S", "-c", "import os; os._exit(7)"])
    time.sleep(delay / 1000)
    server.send_signal(signal.SIGSTOP)
    server.send_signal(signal.SIGCONT)
    assert server.wait(20) == 7, (delay, server.returncode)
    server = subprocess.Popen([sys.argv[1], "run", "sleep", "60"], stderr=subprocess.DEVNULL)
    time.sleep(delay / 1000)
    server.terminate()
    assert server.wait(20) == -signal.SIGTERM, (delay, server.returncode)
END
}

@test "run: the resolver ends with the server, not before" {
    "$WSAPEER" run sh -c 'sleep 60 & exec sleep 60' >/dev/null 2>&1 </dev/null 3>&- 4>&- &
    local server=$!
    await 10 pgrep -x wsapeer-resolve
    local resolver
    resolver=$(pgrep -n -x wsapeer-resolve)
    kill -TERM "$resolver"
    kill -INT "$resolver"
    kill -0 "$resolver"
    kill "$server"
    await 10 has_ended "$server"
    kill -0 "$resolver" # the other sleep still holds the channel
    pkill -P 1 -x sleep
    await 10 has_ended "$resolver"
}
