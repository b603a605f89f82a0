# fileserver.bash: who gets what from fileserver.py. After ../lib/world.bash.

serve_files() { # NAME MODEL ADDRESS [OPTION of run...]
    local name=$1 model=$2 address=$3
    shift 3
    serve "$name" "$address" -- "$WSAPEER" run "$@" -- \
        /usr/bin/python3 "$SOURCE/tests/servers/fileserver.py" "$model" "$address" "$WORLD/home"
}

# question USER ADDRESS REQUEST...: prints the answers
question() {
    local user=$1
    shift
    as "$user" /usr/bin/python3 "$SOURCE/tests/servers/client.py" ask --lines "$@"
}

answers() { # USER ADDRESS REQUEST TEXT
    local said
    said=$(question "$1" "$2" "$3" 2>&1) || true
    [ "$said" = "ok $4" ] || explain "$1 said \"$3\" to $2: \"$said\", not \"ok $4\""
}

declines() { # USER ADDRESS REQUEST
    local said
    said=$(question "$1" "$2" "$3" 2>&1) || true
    [[ $said = "error [Errno 13]"* ]] ||
        explain "$1 said \"$3\" to $2: \"$said\", not that permission is denied"
}

own_line() { # ADDRESS, and the same in what follows; COMMAND is get, later or backend
    answers alice "$1" "${2:-get} /alice/private" "alice's private"
    answers bob "$1" "${2:-get} /bob/private" "bob's private"
}

others_line() {
    declines bob "$1" "${2:-get} /alice/private"
    declines alice "$1" "${2:-get} /bob/private"
    declines stranger "$1" "${2:-get} /alice/private"
    declines alice "$1" "${2:-get} /shared/root"
}

group_line() {
    answers carol "$1" "get /shared/staff" "staff's own"
    answers alice "$1" "get /shared/staff" "staff's own"
    declines bob "$1" "get /shared/staff"
    declines stranger "$1" "get /shared/staff"
}

public_line() {
    local user
    for user in alice bob carol stranger; do
        answers "$user" "$1" "get /shared/public" "everybody's"
    done
}

# Handlers that wait, with time-outs, before they open a file are still the peer.
after_waiting() {
    own_line "$1" later
    others_line "$1" later
    own_line "$1" backend
    others_line "$1" backend
}

child_is_peer() {
    answers alice "$1" run "uid=1001(alice) gid=1001(alice) groups=1001(alice),2001(staff)"
    answers bob "$1" run "uid=1002(bob) gid=1002(bob) groups=1002(bob)"
    local none=0000000000000000
    answers alice "$1" status "Uid: 1001 1001 1001 1001 Gid: 1001 1001 1001 1001 \
Groups: 1001 2001 CapInh: $none CapPrm: $none CapEff: $none CapAmb: $none"
}

# a connection for each request, then as many requests as a worker has on one; `once` leaves that out
many_lines() {
    local client=("/usr/bin/python3" "$SOURCE/tests/servers/client.py" load --lines "$1")
    "${client[@]}"
    [ "${2:-}" = once ] || "${client[@]}" --keep-alive
    own_line "$1"
    others_line "$1"
    group_line "$1"
    public_line "$1"
}
