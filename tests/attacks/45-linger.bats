# What a stranger has filled can keep whoever closes it (SO_LINGER): neither what an instance sends
# over its channel nor what it does with its connections holds up another account's clients.
load ../lib/each

setup() {
    public sink.py <<'END'
"""Accepts connections and reads nothing of them."""
import socket

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
listener.bind(("127.0.0.1", 9000))
listener.listen(100)
kept = []
while True:
    kept.append(listener.accept())
END
    public server.py <<'END'
import array, os, socket, struct

listener = socket.create_server(("127.0.0.1", 7000))


def filled():
    """A connection whose last close waits for 60 s."""
    one = socket.create_connection(("127.0.0.1", 9000))
    one.setblocking(False)
    try:
        while True:
            one.send(b"x" * 65536)
    except BlockingIOError:
        pass
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    return one


def rights(*descriptors):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


def attack():
    """Inside another socket, as one too many, and as the reply that is wanted."""
    channel = socket.socket(fileno=int(os.environ["WSAPEER_CHANNEL"]))
    inner, outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    hidden = filled()
    inner.sendmsg([b"x"], rights(hidden.fileno()))
    channel.sendmsg([b"junk"], rights(outer.fileno()), socket.MSG_DONTWAIT)
    several = [filled() for _ in range(6)]
    channel.sendmsg([b"junk"], rights(*(one.fileno() for one in several)), socket.MSG_DONTWAIT)
    os._exit(0)  # which waits for nothing


while True:
    connection, _ = listener.accept()
    if os.getuid() == 1001 and connection.recv(10).startswith(b"attack"):
        child = os.fork()
        if child == 0:
            attack()
        os.waitpid(child, 0)
        connection.sendall(b"done\n")
    else:
        connection.sendall(f"{os.getuid()}\n".encode())
    connection.close()
END
}

ask_for() { # USER WORD
    # shellcheck disable=SC2016 # the inner shell's
    as "$1" timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/7000; echo "$1" >&3; cat <&3' - "$2"
}

@test "45: an instance that sends the supervisor what cannot be closed holds up nobody" {
    serve_as alice sink 127.0.0.1:9000 -- /usr/bin/python3 "$BATS_TEST_TMPDIR/sink.py"
    serve server 127.0.0.1:7000 -- "$WSAPEER" run --isolate=account --stop-timeout=1 -- \
        /usr/bin/python3 "$BATS_TEST_TMPDIR/server.py"
    [ "$(ask_for alice attack)" = "done" ] || explain "the attack did not come about"
    for _ in 1 2 3 4 5; do
        [ "$(ask_for bob hello)" = 1002 ] || explain "bob was not answered within 10 s"
    done
}
