# --gate as an ordinary user: alice starts the server; only she gets in.
load ../lib/each
load fileserver

gate() { # NAME ADDRESS SERVER...
    local name=$1 address=$2
    shift 2
    serve_as alice "$name" "$address" -- "$WSAPEER" run --gate --allow=me -- "$@"
}

gate_files() { # MODEL ADDRESS
    gate "$1" "$2" /usr/bin/python3 "$SOURCE/tests/servers/fileserver.py" "$1" "$2" "$WORLD/home"
}

# The server must not have seen a byte: an answer of any kind is one too many.
is_cut_off() { # USER ADDRESS
    local said
    said=$(question "$1" "$2" "get /shared/public" 2>&1) &&
        explain "$1 was answered at $2: $said"
    [[ $said = client.py:* ]] || explain "$1 was answered at $2: $said"
}

only_alice() { # ADDRESS
    for _ in 1 2 3; do
        answers alice "$1" "get /alice/private" "alice's private"
        is_cut_off bob "$1"
        is_cut_off stranger "$1"
    done
}

@test "gate: python3 -m http.server serves its own user and resets another" {
    gate http 127.0.0.1:8000 \
        /usr/bin/python3 -m http.server -b 127.0.0.1 -d "$WORLD/home" 8000
    gets alice 127.0.0.1:8000 /alice/private "alice's private"
    cut_off bob 127.0.0.1:8000 /shared/public
    cut_off stranger 127.0.0.1:8000 /shared/public
    gets alice 127.0.0.1:8000 /shared/public "everybody's"
}

@test "gate: what was refused is in the log, with why" {
    gate_files threading 127.0.0.1:7000
    is_cut_off bob 127.0.0.1:7000
    grep -q bob "$(log_of threading)" || grep -q 1002 "$(log_of threading)"
}

@test "gate: threads over TCP: own uid served, others reset" {
    gate_files threading 127.0.0.1:7000
    only_alice 127.0.0.1:7000
}

@test "gate: threads over AF_UNIX: own uid served, others reset" {
    gate_files threading "$WORLD/home/alice/sock"
    only_alice "$WORLD/home/alice/sock"
}

@test "gate: an event loop over TCP: own uid served, others reset" {
    gate_files asyncio 127.0.0.1:7000
    only_alice 127.0.0.1:7000
}

@test "gate: an event loop over AF_UNIX: own uid served, others reset" {
    gate_files asyncio "$WORLD/home/alice/sock"
    only_alice "$WORLD/home/alice/sock"
}

@test "gate: refused peers in great number do not keep the loop from its own user" {
    gate_files asyncio 127.0.0.1:7000
    run /usr/bin/python3 "$SOURCE/tests/servers/client.py" load --lines --users bob,stranger \
        --requests 400 127.0.0.1:7000
    [[ $output = *" 0 right, 0 wrong, 0 withheld"*" 400 failed"* ]]
    answers alice 127.0.0.1:7000 "get /alice/private" "alice's private"
}
