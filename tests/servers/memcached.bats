# memcached: one thread accepts, others, each with an event loop, read and answer; what is cached is
# everybody's who is let in: a gate. Anybody may reach a local port, so without one bob reads it.
load ../lib/each
load gated

ADDRESS=127.0.0.1:11211
export QUESTION='set key 0 0 5\r\nvalue\r\nget key\r\nquit\r\n'
export ANSWER='VALUE key 0 5'

setup() {
    tool memcached >/dev/null || skip "needs memcached: tests/run gets it"
}

options() { # sets the options with which it listens at $1
    "$(tool memcached)" --version >&3
    listens_at=(--listen=127.0.0.1 --port="${1##*:}" --udp-port=0)
    [ "${1:0:1}" != / ] || listens_at=(--unix-socket="$1" --unix-mask=0777)
}

serve_memcached() { # ADDRESS
    options "$1"
    gate memcached "$1" "$(tool memcached)" --threads=4 "${listens_at[@]}"
}

@test "memcached over TCP: who started it is served, others are reset" {
    serve_memcached "$ADDRESS"
    only_alice "$ADDRESS"
    many_at_once "$ADDRESS"
}

@test "memcached over AF_UNIX: who started it is served, others are reset" {
    serve_memcached "$WORLD/tmp/memcached"
    only_alice "$WORLD/tmp/memcached"
    many_at_once "$WORLD/tmp/memcached"
}

@test "memcached that root started, over TCP and AF_UNIX: who is allowed is served, others are reset" {
    local address
    for address in "$ADDRESS" "$WORLD/tmp/memcached-of-root"; do
        options "$address"
        root_gate memcached "$address" "$(tool memcached)" -u nobody "${listens_at[@]}"
        only_alice "$address"
        stop memcached
    done
}

# frame USER COMMAND [SECONDS]: what is answered to one frame, after its own eight bytes; nothing if nothing
# is within so long.
frame() {
    as "$1" /usr/bin/python3 -c '
import socket, sys
host, port = sys.argv[1].split(":")
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(int(sys.argv[3]))
client.sendto(bytes([0, 7, 0, 0, 0, 1, 0, 0]) + sys.argv[2].encode() + b"\r\n", (host, int(port)))
try:
    print(client.recv(1500)[8:].decode().replace("\r", ""))
except TimeoutError:
    pass
' "$ADDRESS" "$2" "${3:-20}"
}

serve_frames() { # COMMAND that is to execute it...
    serve memcached "udp:$ADDRESS" -- "$@" "$(tool memcached)" -u nobody --listen=127.0.0.1 \
        --port="${ADDRESS##*:}" --udp-port="${ADDRESS##*:}"
}

@test "memcached over UDP, for alice: others' frames are dropped before it reads them" {
    local said user
    serve_frames "$WSAPEER" run --gate --allow=alice --
    [ "$(frame alice 'set key 0 0 4'$'\r\n''hers')" = STORED ]
    for user in bob stranger root; do
        said=$(frame "$user" 'set key 0 0 4'$'\r\n''mine' 1)
        [ "$said" = "" ] || explain "$user was answered: \"$said\""
        await 10 grep -qE "refused 127\.0\.0\.1:[0-9]+ \(uid $(id -u "$user") $user, by stamp\)" \
            "$(log_of memcached)" || explain "the log does not say that $user was refused"
    done
    said=$(frame alice 'get key')
    [[ $said = *hers* ]] || explain "alice was told \"$said\""
}

@test "memcached over UDP without us: bob changes what alice cached" {
    serve_frames
    [ "$(frame alice 'set key 0 0 4'$'\r\n''hers')" = STORED ]
    [ "$(frame bob 'set key 0 0 4'$'\r\n''mine')" = STORED ]
    [[ $(frame alice 'get key') = *mine* ]]
}

@test "memcached without us: everybody has what alice cached" {
    options "$ADDRESS"
    open_to_all memcached "$ADDRESS" 'get key\r\nquit\r\n' "$(tool memcached)" "${listens_at[@]}"
}
