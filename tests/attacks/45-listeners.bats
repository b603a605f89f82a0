# A listening socket in an instance would bring it every account's clients, past the supervisor.
# What was copied before it listened, and what a parent bound and its children listen on, are such;
# so the instance that listeners came from is nobody's, ever, and the others have none.
load ../lib/each

setup() {
    public server.py <<'END'
"""server.py HOW: answers "uid PID: LISTENERS" with the listening sockets of its processes."""
import os, socket, sys

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 7000))
copy = listener.dup() if sys.argv[1] == "copy" else None
children = sys.argv[1] == "children"
if children:
    for _ in range(2):
        if os.fork() == 0:
            break
    else:
        os.wait()
        os._exit(1)
listener.listen(10)

if sys.argv[1] == "bound":
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    other.bind(("127.0.0.1", 700))
if sys.argv[1] == "unix":
    other = socket.socket(socket.AF_UNIX)
    other.bind("\0other-%d" % os.getpid())
if sys.argv[1] == "client":  # what is bound may be a client's, and have lost its server; or no stream
    lost, (unix, _) = socket.socket(), socket.socketpair()
    datagram = socket.socket(type=socket.SOCK_DGRAM)
    datagram.bind(("127.0.0.1", 0))
    lost.connect_ex(("127.0.0.1", 1))
    late = socket.socket()
    late.bind(("127.0.0.1", 0))
    late.connect_ex(("127.0.0.1", 1))


def listens(number):
    try:
        probe = socket.socket(fileno=os.dup(number))
    except OSError:
        return False
    with probe:
        # Not by getsockopt(2), which the library answers as a listener would.
        inode = os.fstat(number).st_ino
        return any(line.split()[9] == str(inode) and line.split()[3] == "0A"
                   for line in open("/proc/net/tcp").readlines()[1:])


while True:
    connection, _ = listener.accept()
    found = [name for name in os.listdir("/proc/self/fd") if listens(int(name))]
    connection.sendall(f"{os.getuid()} {os.getpid()} {found}\n".encode())
    connection.close()
END
}

# Nobody tells the children of "children" to end; where the server does not, the time-out does.
begin() { # copy|children|bound|unix|client
    serve server 127.0.0.1:7000 -- "$WSAPEER" run --isolate=account --stop-timeout=2 -- \
        /usr/bin/python3 "$BATS_TEST_TMPDIR/server.py" "$1"
}

own_without_listener() { # USER UID
    local line
    for _ in 1 2 3 4 5 6; do
        line=$(hear_server "$1")
        [[ $line = "$2 "*" []" ]] || explain "$1 was answered \"$line\""
    done
}

@test "45: a copy made before listen(2) is no listener in anybody's instance" {
    begin copy
    own_without_listener alice 1001
    own_without_listener bob 1002
    own_without_listener alice 1001
}

@test "45: children that listen on what their parent bound all serve, and have no listener" {
    local answers
    begin children
    own_without_listener alice 1001
    own_without_listener bob 1002
    answers=$(for _ in $(seq 12); do hear_server bob; done)
    [ "$(cut -d' ' -f2 <<<"$answers" | sort -u | wc -l)" = 2 ] ||
        explain "not both children answered:" "$answers"
    if grep "already in use" "$(log_of server)" >&2; then
        return 1
    fi
}

@test "45: what is bound and does not listen yet is in no account's instance" {
    local way said
    for way in bound unix; do
        begin "$way"
        said=$(hear_server alice) || true
        [ -z "$said" ] || explain "alice has an instance with it ($way): $said"
        await 10 grep -q "has a bound socket" "$(log_of server)" || explain "the log does not say why"
        stop server
    done
}

@test "45: clients' sockets and datagrams are no listeners, with a connection or after it" {
    begin client
    own_without_listener alice 1001
    own_without_listener bob 1002
}
