# What a server has open when its instance becomes somebody's: scratch files of its own go with it, and
# nothing else does. As the owner of a removed log, which it may only write to, alice would read it.
#
# Seen to fail: without the look at what a file is open for (keeper_files.c) alice read root's log;
# without the process's own account there, www-data's worker could not go on.
load ../lib/world

setup() {
    cat >"$BATS_TEST_TMPDIR/server.py" <<'END'
"""A process of base, and a child that is www-data's, with files that have no name."""
import os, socket, tempfile


def removed(flags):
    number, path = tempfile.mkstemp()
    os.write(number, b"root's log")
    again = os.open(path, flags)
    os.close(number)
    os.unlink(path)
    return again


def given(number):
    try:
        os.fchmod(number, 0o600)
        with open(f"/proc/self/fd/{number}", encoding="ascii") as file:
            return file.read() or "empty"
    except PermissionError:
        return "denied"


def serve(**files):
    while True:
        connection, _ = listener.accept()
        answers = [f"{name}: {given(number)}\n" for name, number in files.items()]
        connection.sendall((f"uid: {os.getuid()}\n" + "".join(answers)).encode())
        connection.close()


listener = socket.create_server(("127.0.0.1", 7000))
log, scratch = removed(os.O_WRONLY), removed(os.O_RDWR)
text = removed(os.O_RDONLY)
if os.environ["LOWER"]:
    os.setgid(33)
    os.setuid(33)
    lowered = removed(os.O_RDWR)
    serve(log=log, text=text, lowered=lowered)
serve(log=log, text=text, scratch=scratch)
END
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}

start() { # LOWER
    LOWER=$1 serve server 127.0.0.1:7000 -- "$WSAPEER" run --isolate=account -- \
        /usr/bin/python3 "$BATS_TEST_TMPDIR/server.py"
}

is_told() { # USER ANSWER
    local said
    said=$(as "$1" bash -c 'cat </dev/tcp/127.0.0.1/7000')
    [ "$said" = "$2" ] || explain "$1 was answered:" "$said"
}

@test "45: of root's files without a name an account gets those that were its server's own" {
    start ""
    is_told alice "uid: 1001
log: denied
text: denied
scratch: root's log"
    is_told bob "uid: 1002
log: denied
text: denied
scratch: root's log"
}

@test "45: a server that gave up root goes on with the files that it made since" {
    start yes
    is_told alice "uid: 1001
log: denied
text: denied
lowered: root's log"
}
