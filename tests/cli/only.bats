# wsapeer run --only: clients of the named sockets are served as themselves; all others pass untouched,
# and have what the server itself has at that time.
bats_require_minimum_version 1.5.0
load doors
load refused

PUBLIC=127.0.0.1:7000
ADMIN=127.0.0.1:7001
ALICES=$WORLD/home/alice/private
ROOTS=$WORLD/home/shared/root

refused() { # TEXT ARGUMENT...
    local text=$1
    shift
    refuses run "wsapeer: run: " 125 "$text" "$@"
}

@test "only: what names no socket is one line and 125" {
    local value
    for value in "" 80 : 127.0.0.1 127.0.0.1: 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:8x 127.0.0.1:-1 \
        127.0.0.1:+1 localhost:80 127.1:80 ::1:80 '[::1]' '[::1]:' '[::1:80' '[::1]x:80' '[]:80' \
        '[127.0.0.1]:80' '**:80' / @ relative.sock "/$(printf '%0110d' 0)" "@$(printf '%0110d' 0)"; do
        refused "--only=$value: it names no socket: write ADDR:PORT, [ADDR6]:PORT" "--only=$value" ls
    done
    refused "option --only needs a value" --only
}

@test "only: sixteen names and no more" {
    local names=()
    for port in {1..16}; do
        names+=("--only=*:$port")
    done
    "$WSAPEER" run "${names[@]}" --explain=alice
    refused "--only=:17: 16 sockets can be named and no more" "${names[@]}" --only=:17 ls
}

served_at_public_only() {
    asks alice "$PUBLIC" "$ALICES" "alice's private"
    asks bob "$PUBLIC" "$ALICES" EACCES
    asks bob "$ADMIN" ids ground
    asks bob "$ADMIN" "$ALICES" EACCES
    asks alice "$ADMIN" "$ALICES" EACCES
    asks root "$ADMIN" "$WORLD/home/shared/public" "everybody's"
    turned_away root "$PUBLIC"
    asks alice "$PUBLIC" ids alice
}

@test "only: the named port serves each as himself; the other anybody, with ground's rights" {
    doors "$PUBLIC" "$ADMIN" --isolate=scope --only="$PUBLIC" -- serve
    served_at_public_only
    logged "is not to be served at $ADMIN, which no --only names: who comes there passes untouched"
    never_logged "served at $PUBLIC"
    never_logged "refused .* at $ADMIN"
}

@test "only: without an option for isolation it is the same" {
    doors "$PUBLIC" "$ADMIN" --only="$PUBLIC" -- serve
    served_at_public_only
}

@test "only: before the process serves, who comes there is served with all that the server has" {
    doors "$PUBLIC" "$ADMIN" --isolate=scope --only="$PUBLIC" -- \
        accept:admin:X read:X "file:$ROOTS" accept:public:A read:A read:X "file:$ROOTS" serve
    comes bob "$ADMIN"
    printed accept:admin:X base
    printed read:X hello
    printed "file:$ROOTS" "root's private"
    never_logged "serves from now on"
    comes alice "$PUBLIC"
    printed accept:public:A ground
    printed read:A hello
}

@test "only: a process for each connection at the named port; the other is the first process's own" {
    doors "$PUBLIC" "$ADMIN" --isolate=connection --only="$PUBLIC" -- serve
    served_at_public_only
}

@test "only: a gate refuses at the named port alone" {
    doors "$PUBLIC" "$ADMIN" --gate --allow=alice --only="$PUBLIC" -- serve
    asks alice "$PUBLIC" ids base
    turned_away bob "$PUBLIC"
    asks bob "$ADMIN" ids base
    logged "refused .*bob.* at $PUBLIC"
    never_logged "refused .* at $ADMIN"
}

@test "only: --observe tells who comes to the named port alone" {
    doors "$PUBLIC" "$ADMIN" --observe --only="$PUBLIC" -- serve
    asks bob "$PUBLIC" ids base
    asks bob "$ADMIN" ids base
    logged "observed .*bob.* at $PUBLIC"
    never_logged "observed .* at $ADMIN"
}

@test "only: at the end the log tells which name no socket had" {
    doors "$PUBLIC" "$ADMIN" --isolate=scope --only="$PUBLIC" --only=127.0.0.1:7777 -- serve
    asks alice "$PUBLIC" ids alice
    never_logged 7777
    stop doors
    logged "^wsapeer: --only=127\.0\.0\.1:7777: the server had no such socket$"
    never_logged "--only=$PUBLIC: "
    run timeout 20 "$WSAPEER" run --only="$PUBLIC" -- /bin/true
    [ "$status $output" = "0 " ]
}

# ---- which socket is named ----------------------------------------------------------------------

# named NAME ADDRESS [CLIENT'S ADDRESS]: a server at ADDRESS is served with --only=NAME
named() {
    doors "$2" "$ADMIN" --isolate=scope --only="$1" -- serve
    asks alice "${3:-$2}" ids alice
    never_logged "at ${2/0.0.0.0/.*}, which no --only names"
    stop doors
}

not_named() {
    doors "$2" "$ADMIN" --isolate=scope --only="$1" --only=@nobody -- serve
    asks alice "${3:-$2}" ids base
    stop doors
}

@test "only: an address names itself, and what is bound to every address that takes its clients" {
    named 127.0.0.1:7000 127.0.0.1:7000
    named 127.0.0.1:7000 0.0.0.0:7000 127.0.0.1:7000
    named 127.0.0.1:7000 "[::]:7000" 127.0.0.1:7000
    named "[::1]:7000" "[::]:7000" "[::1]:7000"
    named "[::1%lo]:7000" "[::1]:7000"
    not_named 127.0.0.2:7000 127.0.0.1:7000
    not_named 127.0.0.1:7002 127.0.0.1:7000
    not_named "[::1]:7000" 0.0.0.0:7000 127.0.0.1:7000
}

@test "only: a wildcard names every address of its family, and * every address" {
    named 0.0.0.0:7000 127.0.0.1:7000
    named "[::]:7000" "[::1]:7000"
    named '*:7000' 127.0.0.1:7000
    named :7000 "[::1]:7000"
    not_named "[::]:7000" 127.0.0.1:7000
    not_named 0.0.0.0:7000 "[::1]:7000"
}

@test "only: a path, by whatever name the server bound it; an abstract name" {
    ln -s "$WORLD/tmp" "$BATS_TEST_TMPDIR/link"
    named "$WORLD/tmp/public.sock" "$WORLD/tmp/public.sock"
    rm -f "$WORLD/tmp/public.sock"
    named "$WORLD/tmp/public.sock" "$BATS_TEST_TMPDIR/link/public.sock" "$WORLD/tmp/public.sock"
    rm -f "$WORLD/tmp/public.sock"
    not_named "$WORLD/tmp/other.sock" "$WORLD/tmp/public.sock"
    named @public @public
    not_named @publi @public
}

# Seen to fail: with a name that is not to be found taken for another, alice was served as base; so she
# was where the name that it was bound to had become another file's, or was its own still.
@test "only: a path that the socket gets when it listens already, or is bound to from its directory" {
    local name=$WORLD/tmp/public.sock
    for BIND in beside linked replaced below; do
        export BIND
        rm -f "$name" "$name.new"
        serve doors "$ADMIN" -- "$WSAPEER" run --isolate=scope --only="$name" -- \
            /usr/bin/python3 "$SOURCE/tests/cli/doors.py" "$name" "$ADMIN" serve
        asks alice "$name" ids alice
        asks bob "$name" "$ALICES" EACCES
        asks bob "$ADMIN" ids ground
        stop doors
    done
}

# Seen to fail: by its own end alone it was nobody's, and read by root.
@test "only: a connection that comes by another process: any address at the named port" {
    is_alices() { # OPTION of run...
        /usr/bin/python3 - "$@" <<'END'
import os, socket, subprocess, sys
listener = socket.create_server(("0.0.0.0", 7000))
alice = os.fork()
if alice == 0:
    os.setresuid(1001, 1001, 1001)
    client = socket.create_connection(("127.0.0.2", 7000), 20)
    client.sendall(b"hello")
    client.recv(1)
    os._exit(0)
connection = listener.accept()[0]
program = "import os, socket; peer = socket.socket(fileno=0); peer.recv(5); print(os.geteuid())"
subprocess.run([os.environ["WSAPEER"], "run", *sys.argv[1:], "--", "/usr/bin/python3", "-c", program],
               stdin=connection, timeout=30, check=True)
connection.close()
os.waitpid(alice, 0)
END
    }
    [ "$(is_alices --isolate=scope --only=127.0.0.1:7000)" = 1001 ]
    [ "$(is_alices --isolate=scope --only=127.0.0.1:7001)" = 0 ]
}

# Seen to fail: without another look, "base".
@test "only: datagrams at a path that the socket gets when it is bound already" {
    local name=$WORLD/tmp/public.sock
    for BIND in beside linked replaced below; do
        export BIND
        rm -f "$name" "$name.new"
        UDP=--udp doors "$PUBLIC" "$name" --isolate=scope --only="$name" -- serve
        [ "$(as alice /usr/bin/python3 "$SOURCE/tests/servers/datagrams.py" ask "$name" ids)" = "ok alice" ]
        [ "$(as bob /usr/bin/python3 "$SOURCE/tests/servers/datagrams.py" ask "$name" "$ALICES")" = "ok EACCES" ]
        stop doors
    done
}

@test "only: datagrams at the named port have their senders' rights, at the other the server's" {
    UDP=--udp doors "$PUBLIC" "$ADMIN" --isolate=scope --only="$PUBLIC" -- serve
    said() {
        as "$1" /usr/bin/python3 "$SOURCE/tests/servers/datagrams.py" ask "$2" "$3"
    }
    for _ in 1 2; do
        [ "$(said alice "$PUBLIC" "$ALICES")" = "ok alice's private" ]
        [ "$(said bob "$PUBLIC" "$ALICES")" = "ok EACCES" ]
        [ "$(said alice "$ADMIN" "$ALICES")" = "ok EACCES" ]
        [ "$(said root "$PUBLIC" ids)" = none ]
        [ "$(said root "$ADMIN" ids)" = "ok ground" ]
    done
}
