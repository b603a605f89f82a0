# 20: what a server starts for alice has no part in what the server holds for others: their
# connections, the files that it opened for them, the listener.
#
# Seen to fail: without hide_others() before an exec, and for the last test without the list that
# `become` closes, alice's program found bob's connection, spoke on it, read bob's file, and had the
# listener. So it was for what a sealed child started, without hide_others() ahead of its posix_spawn
# and with libc's own system(). Without program_may_copy(), or spawn_copies_only(), bob's file was
# the standard input of alice's program.
load fixtures/victim

# Says on every connection that it finds open what it finds open.
setup() {
    cat >"$WORLD/tmp/finder" <<'END'
import os, socket, stat
connections, found = [], []
for number in (0, *range(3, 1024)):
    try:
        kind = os.fstat(number).st_mode
    except OSError:
        continue
    if stat.S_ISREG(kind):
        found.append(os.pread(number, 100, 0).decode().strip())
    elif stat.S_ISSOCK(kind):
        socket_ = socket.socket(fileno=number)
        if socket_.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            found.append("listener")
        else:
            found.append("connection")
            connections.append(socket_)
for connection in connections:
    connection.sendall(("found: " + ", ".join(sorted(found)) + "\n").encode())
END
}

finds_her_own() { # HOW...
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/landlord" "${ADDRESS##*:}"
    visit b bob
    says b "keep $WORLD/home/bob/private" kept
    visit a alice
    for how; do
        says a "$how /usr/bin/python3 -I $WORLD/tmp/finder" "found: connection"
        says a hello "nothing else"
        says b hello "nothing else"
    done
    leave a
    leave b
}

is_denied_bobs() { # HOW...
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/landlord" "${ADDRESS##*:}"
    visit b bob
    says b "keep $WORLD/home/bob/private" kept
    visit a alice
    for how; do
        says a "$how /usr/bin/python3 -I $WORLD/tmp/finder" denied
        says a hello "nothing else"
        says b hello "nothing else"
    done
    leave a
    leave b
}

@test "20: by fork and exec, a program of alice's finds her connection and nothing of others" {
    finds_her_own fork vfork
}

@test "20: nor does one that is started by a shell: system and popen" {
    finds_her_own system popen
}

@test "20: nor by posix_spawn" {
    finds_her_own spawn
}

@test "20: nor does what a process that is hers starts, in any of these ways" {
    finds_her_own child-spawn child-system child-popen child-fork child-vfork
}

# Where a copy can be followed to the program (fork) it is not there in the end; where it cannot, it
# is not made.
@test "20: what the server keeps of bob's is not made the standard input of her program" {
    finds_her_own fork-kept
    stop_all
    is_denied_bobs vfork-kept spawn-kept child-vfork-kept child-spawn-kept
}

@test "20: a public file may be that, whoever had it opened" {
    echo "a notice" >"$WORLD/home/shared/notice"
    chmod 644 "$WORLD/home/shared/notice"
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/landlord" "${ADDRESS##*:}"
    visit b bob
    says b "keep $WORLD/home/shared/notice" kept
    visit a alice
    for how in vfork-kept spawn-kept child-vfork-kept child-spawn-kept; do
        says a "$how /usr/bin/python3 -I $WORLD/tmp/finder" "found: a notice, connection"
    done
    leave a
    leave b
}
