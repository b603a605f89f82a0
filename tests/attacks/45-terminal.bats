# An instance that has a terminal can read what its owner types there, and type as its owner (TIOCSTI):
# what is sealed as alice would be root at the next newline. So no instance has one.
load ../lib/each

setup() {
    public server.py <<'END'
import os, socket

listener = socket.create_server(("127.0.0.1", 7000))
while True:
    connection, _ = listener.accept()
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
        answer = "a controlling terminal"
    except OSError as error:
        answer = "no terminal: " + os.strerror(error.errno)
    answer += " " + " ".join(f"{number}:{os.isatty(number)}" for number in range(3))
    answer += " stdin " + os.readlink("/proc/self/fd/0")
    connection.sendall((answer + f" uid {os.getuid()}\n").encode())
    connection.close()
END
    # As a person starts it: on a terminal of its own, whose other end stays open.
    public on_terminal.py <<'END'
import os, pty, signal, sys

child, terminal = pty.fork()
if child == 0:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.execvp(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
while True:
    try:
        if not os.read(terminal, 4096):
            break
    except OSError:
        break
sys.exit(0 if os.waitpid(child, 0) else 1)
END
}

@test "45: an instance of a server that was started on a terminal has none" {
    local said
    serve server 127.0.0.1:7000 -- /usr/bin/python3 "$BATS_TEST_TMPDIR/on_terminal.py" \
        "$WSAPEER" run --isolate=account -- /usr/bin/python3 "$BATS_TEST_TMPDIR/server.py"
    said=$(hear_server alice)
    [ "$said" = "no terminal: No such device or address 0:False 1:False 2:False stdin /dev/null uid 1001" ] ||
        explain "$said"
}
