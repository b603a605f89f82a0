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

@test "memcached without us: everybody has what alice cached" {
    options "$ADDRESS"
    open_to_all memcached "$ADDRESS" 'get key\r\nquit\r\n' "$(tool memcached)" "${listens_at[@]}"
}
