# 20: what a server starts for alice has no part in what the server holds for others: their
# connections, the files that it opened for them, the listener.
#
# Seen to fail: without hide_others() before an exec, and for the last test without the list that
# `become` closes, alice's program found bob's connection, spoke on it, read bob's file, and had the
# listener.
load fixtures/victim

# Says on every connection that it finds open what it finds open.
setup() {
    cat >"$WORLD/tmp/finder" <<'END'
import os, socket, stat
connections, found = [], []
for number in range(3, 1024):
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

@test "20: by fork and exec, a program of alice's finds her connection and nothing of others" {
    finds_her_own fork vfork
}

@test "20: nor does one that is started by a shell: system and popen" {
    finds_her_own system popen
}

@test "20: nor by posix_spawn" {
    finds_her_own spawn
}
