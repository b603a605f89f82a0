# Node.js: files read by a pool of threads that its first client brought about, and answers out of
# timers: an instance for each account.
#
# Seen to fail by scopes with --inline: what the pool or a timer read was refused to its owner each time.
load ../lib/world
load ../lib/rights
load ways

serve_node() { # WAY PORT [ARGUMENT...]
    local way=$1 port=$2
    shift 2
    has_node || return 0
    serve_way "$way" "node-$port" "127.0.0.1:$port" \
        /usr/bin/node "$SOURCE/tests/servers/fileserver.js" "127.0.0.1:$port" "$WORLD/home" "$@"
}

has_node() {
    [ -x /usr/bin/node ]
}

setup_file() {
    serve_node account 8000
    serve_node auto 8001
}

setup() {
    has_node || skip "needs Node.js: apt-get install nodejs"
}

every_way_to_answer() { # ADDRESS
    local way
    for way in sync pool timer immediate; do
        right_by_any_way "$1" --prefix="/$way"
    done
    everything_right "$1"
}

@test "Node.js, --isolate=account: readFile, setTimeout, setImmediate: each his own" {
    every_way_to_answer 127.0.0.1:8000
}

@test "Node.js without an option: readFile, setTimeout, setImmediate: each his own" {
    every_way_to_answer 127.0.0.1:8001
}

@test "Node.js' cluster module, connections passed on: each his own" {
    serve_node account 8002 2
    right_by_any_way 127.0.0.1:8002 --prefix=/pool
    right_by_any_way 127.0.0.1:8002
    stop node-8002
    serve_node auto 8003 2
    right_by_any_way 127.0.0.1:8003 --prefix=/pool
    right_by_any_way 127.0.0.1:8003
    stop node-8003
}
@test "Node.js' cluster module, workers that share the listener: each his own" {
    export NODE_CLUSTER_SCHED_POLICY=none
    serve_node account 8002 2
    right_by_any_way 127.0.0.1:8002 --prefix=/timer
    stop node-8002
    serve_node auto 8003 2
    right_by_any_way 127.0.0.1:8003 --prefix=/timer
    stop node-8003
}
