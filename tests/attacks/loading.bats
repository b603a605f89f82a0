# Attack 43: the library cannot be loaded, and the loader goes on without it: the server would run as
# root, unwrapped. It must be killed before it serves, and the log must say why.
#
# Seen to fail with the defence out (judge_breakpoint() in cli/loading.c lets every server go, and
# LOADING_GRACE_MS is an hour): each server here then serves until timeout(1) ends it.
# shellcheck disable=SC2154,SC2046,SC2091 # run sets stderr; a command of several words
bats_require_minimum_version 1.5.0
load ../lib/world

setup_file() {
    local place=$WORLD/tmp/loading
    command -v gcc >/dev/null || explain "needs gcc"
    mkdir -p "$place/cli" "$place/preload/hooks"
    cp "$WSAPEER" "$place/cli"
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$place/preload/hooks"
    echo 'int nothing;' >"$place/nothing.c"
    cat >"$place/server.py" <<'END'
import socket, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 7043))
listener.listen()
open(sys.argv[1], "w").close()
while True:
    connection, _ = listener.accept()
    connection.sendall(open("/etc/shadow", "rb").read())
    connection.close()
END
}

setup() {
    place=$WORLD/tmp/loading
    library=$place/preload/hooks/libwsapeer-preload.so
    served=$BATS_TEST_TMPDIR/served
}

teardown() {
    umount -q "$place/preload/hooks" || true
}

# killed TEXT COMMAND...: it must end by SIGKILL before it has served, with TEXT in the log.
killed() {
    local text=$1
    shift
    run --separate-stderr timeout --kill-after=1 20 "$@"
    [ ! -e "$served" ] || explain "it served" "$stderr"
    [ "$status" = 137 ] || explain "status $status, not 137" "$stderr"
    [[ $stderr == *"libwsapeer-preload.so was not loaded"*"$text"* ]] || explain "not told why" "$stderr"
}

wrapped_server() {
    echo "$place/cli/wsapeer" run -- /usr/bin/python3 "$place/server.py" "$served"
}

@test "attack 43: the same server with a good library serves" {
    cp "$BUILD/preload/hooks/"* "$place/preload/hooks" 2>/dev/null || true
    $(wrapped_server) 3>&- 4>&- &
    local server=$!
    await 20 test -e "$served"
    kill "$server"
    await 10 has_ended "$server"
}

@test "attack 43: the loader accepts a library that is not ours" {
    gcc -shared -fPIC -o "$library" "$place/nothing.c"
    killed "killed before it served" $(wrapped_server)
}

# What a security module or a private /tmp do: the file that was there for the check is there no
# more for the loader. The path of the one is the path of the other until a wrapper's mount.
@test "attack 43: the library's file system is noexec, and the check does not see it" {
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$library"
    mkdir -p "$place/hidden"
    gcc -shared -fPIC -o "$place/nothing.so" "$place/nothing.c"
    # An audit library of the loader mounts over the library's folder before it is looked for.
    cat >"$place/audit.c" <<'END'
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
unsigned la_version(unsigned version)
{
    if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "wsapeer")) {
        mount(getenv("HOOKS"), getenv("HOOKS"), NULL, MS_BIND, NULL);
        mount(NULL, getenv("HOOKS"), NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL);
    }
    return version;
}
END
    gcc -D_GNU_SOURCE -shared -fPIC -o "$place/audit.so" "$place/audit.c"
    killed "its file system is mounted noexec now" \
        env HOOKS="$place/preload/hooks" LD_AUDIT="$place/audit.so" $(wrapped_server)
    [[ $stderr == *"cannot be preloaded"*ignored* ]]
}

@test "attack 43: the library has gone when the loader looks for it" {
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$library"
    cat >"$place/audit.c" <<'END'
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
unsigned la_version(unsigned version)
{
    if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "wsapeer"))
        unlink(getenv("LIBRARY"));
    return version;
}
END
    gcc -D_GNU_SOURCE -shared -fPIC -o "$place/audit.so" "$place/audit.c"
    killed "it has gone from its place" \
        env LIBRARY="$library" LD_AUDIT="$place/audit.so" $(wrapped_server)
}

@test "attack 43: the environment is lost on the way to the library" {
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$library"
    cat >"$place/audit.c" <<'END'
#include <link.h>
#include <stdlib.h>
#include <string.h>
unsigned la_version(unsigned version)
{
    char *channel = getenv("WSAPEER_CHANNEL");

    if (channel)
        channel[-2] = 'X'; /* another name than the library looks for */
    return version;
}
END
    gcc -D_GNU_SOURCE -shared -fPIC -o "$place/audit.so" "$place/audit.c"
    killed "killed before it served" env LD_AUDIT="$place/audit.so" $(wrapped_server)
}

@test "attack 43: a library for another machine is refused before the start" {
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$library"
    printf '\x15\x00' | dd of="$library" bs=1 seek=18 conv=notrunc status=none # e_machine: POWER
    run --separate-stderr $(wrapped_server)
    [ "$status" = 125 ]
    [ ! -e "$served" ]
    [[ $stderr == *"no library for this machine"* ]]
}

# A debugger has the server already, or the container forbids it: then it is a matter of time.
@test "attack 43: where the server cannot be traced it is killed for not greeting" {
    gcc -shared -fPIC -o "$library" "$place/nothing.c"
    cat >"$place/untraceable.c" <<'END'
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};

    if (argc < 2 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return 1;
    execvp(argv[1], argv + 1);
    return 1;
}
END
    gcc -o "$place/untraceable" "$place/untraceable.c"
    run --separate-stderr timeout --kill-after=1 20 "$place/untraceable" \
        "$place/cli/wsapeer" run sleep 19
    [ "$status" = 137 ] || explain "status $status, not 137" "$stderr"
    [[ $stderr == *"was not loaded"*"killed, because it had not greeted after 3 s"* ]]
    cp "$BUILD/preload/hooks/libwsapeer-preload.so" "$library"
    run -0 "$place/untraceable" "$place/cli/wsapeer" run sleep 4
}
