# redis-server: one event loop; what is stored is everybody's who is let in: a gate.
load ../lib/each
load gated

ADDRESS=127.0.0.1:6379
export QUESTION='SET key value\r\nGET key\r\nQUIT\r\n'
export ANSWER=value

setup() {
    tool redis-server >/dev/null || skip "needs redis-server: tests/run gets it"
}

options() { # sets the options with which it listens at $1
    "$(tool redis-server)" --version >&3
    listens_at=(--bind 127.0.0.1 --port "${1##*:}" --save "" --dir /)
    [ "${1:0:1}" != / ] ||
        listens_at=(--port 0 --unixsocket "$1" --unixsocketperm 777 --save "" --dir /)
}

serve_redis() { # ADDRESS
    options "$1"
    gate redis "$1" "$(tool redis-server)" "${listens_at[@]}"
}

@test "redis-server over TCP: who started it is served, others are reset" {
    serve_redis "$ADDRESS"
    only_alice "$ADDRESS"
    many_at_once "$ADDRESS"
}

@test "redis-server over AF_UNIX: who started it is served, others are reset" {
    serve_redis "$WORLD/tmp/redis"
    only_alice "$WORLD/tmp/redis"
    many_at_once "$WORLD/tmp/redis"
}

# With io-threads another thread reads than accepts.
@test "redis-server that root started, over TCP and AF_UNIX: who is allowed is served, others are reset" {
    local address
    for address in "$ADDRESS" "$WORLD/tmp/redis"; do
        options "$address"
        root_gate redis "$address" "$(tool redis-server)" "${listens_at[@]}" \
            --io-threads 4 --io-threads-do-reads yes
        only_alice "$address"
        stop redis
    done
}

# What it saves to its directory all instances would read: it saves nothing here.
@test "redis-server, --isolate=account: each has a store of his own, and a stranger one, too" {
    options "$ADDRESS"
    serve redis "$ADDRESS" -- "$WSAPEER" run --isolate=account -- \
        "$(tool redis-server)" "${listens_at[@]}"
    for _ in 1 2; do
        QUESTION='SET key alices\r\nGET key\r\nQUIT\r\n' ANSWER=alices let_in alice "$ADDRESS"
        QUESTION='GET key\r\nQUIT\r\n' ANSWER='$-1' let_in stranger "$ADDRESS"
        QUESTION='GET key\r\nSET key bobs\r\nDEL key\r\nQUIT\r\n' ANSWER=$'$-1\r\n+OK\r\n:1' \
            let_in bob "$ADDRESS"
        QUESTION='GET key\r\nQUIT\r\n' ANSWER=alices let_in alice "$ADDRESS"
    done
}

@test "redis-server without us: everybody has what alice stored" {
    options "$ADDRESS"
    open_to_all redis "$ADDRESS" 'GET key\r\nQUIT\r\n' "$(tool redis-server)" "${listens_at[@]}"
}
