# wsapeer id: what it prints is what id(1) prints for the user at the other end.
# shellcheck disable=SC2154 # run sets stderr
bats_require_minimum_version 1.5.0
load ../lib/world

# peer [OPTION...] USER FAMILY COMMAND...
peer() {
    python3 "$SOURCE/tests/cli/peer.py" "$@"
}

# same FAMILIES OPTIONS: alice's connections give what id(1) gives for alice, byte for byte
same() {
    local options=$2 family
    # shellcheck disable=SC2086 # options are words
    id $options alice >"$WORLD/tmp/expected"
    for family in $1; do
        # shellcheck disable=SC2086
        peer alice $family "$WSAPEER" id $options >"$WORLD/tmp/got"
        cmp "$WORLD/tmp/expected" "$WORLD/tmp/got" || explain "id $options over $family:" \
            "$(cat -A "$WORLD/tmp/got")"
    done
}

# json FILE EXPRESSION: EXPRESSION of Python, about `o`, must hold
json() {
    python3 -c "import json, sys; o = json.load(open(sys.argv[1])); assert $2, o" "$1"
}

@test "id: without options, everything that id(1) prints" {
    same "tcp4 tcp6 mapped unix" ""
}

@test "id: -u -g -G with and without -n and -z, byte for byte" {
    local options
    for options in -u -g -G -un -gn -Gn -uz -gz -Gz -unz -gnz -Gnz "--user --name" \
        "--group --zero" "--groups --name --zero"; do
        same "tcp4 unix" "$options"
    done
}

@test "id: a user with one group, and root" {
    local user
    for user in bob root; do
        [ "$(peer $user tcp4 "$WSAPEER" id)" = "$(id $user)" ]
        [ "$(peer $user unix "$WSAPEER" id)" = "$(id $user)" ]
    done
}

@test "id: over AF_UNIX the groups are those of the connection, not those of the directory" {
    [ "$(peer --groups=1002,2001 bob unix "$WSAPEER" id)" = \
        "uid=1002(bob) gid=1002(bob) groups=1002(bob),2001(staff)" ]
    [ "$(peer --groups=1001 alice unix "$WSAPEER" id -Gn)" = alice ]
    [ "$(peer --groups=1001 alice tcp4 "$WSAPEER" id -Gn)" = "alice staff" ]
}

@test "id: a user without account is a number, and its groups are not made up" {
    [ "$(peer 4242 tcp4 "$WSAPEER" id -u)" = 4242 ]
    [ "$(peer 4242 unix "$WSAPEER" id)" = "uid=4242 gid=4242 groups=4242" ]
    run -1 --separate-stderr peer 4242 tcp4 "$WSAPEER" id
    [ "$output" = "" ]
    [[ $stderr = "wsapeer: the peer is uid 4242, but its groups cannot be told: "* ]]
    run -1 --separate-stderr peer 4242 unix "$WSAPEER" id -un
    [ "$output" = 4242 ]
    [[ $stderr = *"cannot find a name for user id 4242"* ]]
}

@test "id: --pid and --fd name a socket of another process" {
    local holder
    python3 "$SOURCE/tests/cli/peer.py" alice tcp4 sleep 60 3>&- &
    holder=$!
    await 10 grep -qx sleep "/proc/$holder/comm"
    [ "$("$WSAPEER" id --pid=$holder)" = "$(id alice)" ]
    [ "$("$WSAPEER" id --pid=$holder --fd=0 -un)" = alice ]
    run -2 --separate-stderr "$WSAPEER" id --pid=$holder --fd=77
    [[ $stderr = "wsapeer: cannot look at descriptor 77 of process $holder: "* ]]
    run -2 --separate-stderr as bob "$WSAPEER" id --pid=$holder
    [[ $stderr = *"only who may trace that process"* ]]
    kill $holder
}

@test "id: --fd names a socket of its own" {
    [ "$(peer alice tcp4 sh -c "exec 7<&0 </dev/null \"$WSAPEER\" id --fd=7")" = "$(id alice)" ]
}

@test "id: a socket in another network namespace is looked up there" {
    local space holder
    unshare --net sleep 60 3>&- &
    space=$!
    await 10 grep -qx sleep "/proc/$space/comm"
    nsenter --target=$space --net ip link set lo up
    nsenter --target=$space --net python3 "$SOURCE/tests/cli/peer.py" alice tcp4 sleep 60 3>&- &
    holder=$!
    await 10 grep -qx sleep "/proc/$holder/comm"
    [ "$("$WSAPEER" id --pid=$holder)" = "$(id alice)" ]
    # Passed on to here, nobody can say whose namespace to ask in.
    run -1 --separate-stderr nsenter --target=$space --net python3 "$SOURCE/tests/cli/peer.py" \
        alice tcp4 nsenter --target=$$ --net "$WSAPEER" id
    [[ $stderr = "wsapeer: no identity: "* ]]
    kill $holder $space
}

@test "id: a peer on another host is a host" {
    local space
    unshare --net sleep 60 3>&- &
    space=$!
    await 10 grep -qx sleep "/proc/$space/comm"
    ip link add near type veth peer name far netns $space
    ip address add 192.0.2.1/24 dev near
    ip link set near up
    nsenter --target=$space --net ip address add 192.0.2.7/24 dev far
    nsenter --target=$space --net ip link set far up
    [ "$(peer --from=$space:192.0.2.1 alice tcp4 "$WSAPEER" id)" = host=192.0.2.7 ]
    run -1 --separate-stderr peer --from=$space:192.0.2.1 alice tcp4 "$WSAPEER" id -u
    [ "$output" = "" ]
    [[ $stderr = "wsapeer: the peer is on another host, 192.0.2.7: "* ]]
    peer --from=$space:192.0.2.1 alice tcp4 "$WSAPEER" id --json >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" 'o["kind"] == "host" and o["source"] == "host" and o["uid"] is None'
    json "$WORLD/tmp/json" 'o["peer"].startswith("192.0.2.7:") and o["groups"] is None'
    ip link delete near
    kill $space
}

@test "id: --json says the same, with source and ends" {
    peer alice tcp4 "$WSAPEER" id --json >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" '(o["version"], o["kind"], o["source"]) == (1, "user", "sock_diag")'
    json "$WORLD/tmp/json" '(o["uid"], o["user"], o["gid"], o["group"]) == (1001, "alice") * 2'
    json "$WORLD/tmp/json" 'o["groups"] == [{"gid": 1001, "name": "alice"},
        {"gid": 2001, "name": "staff"}]'
    json "$WORLD/tmp/json" 'o["local"].startswith("127.0.0.1:") and o["peer"] != o["local"]'
    json "$WORLD/tmp/json" 'o["pid"] is None and o["reason"] is None'
    peer alice tcp6 "$WSAPEER" id --json >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" 'o["peer"].startswith("[::1]:")'
    peer alice unix "$WSAPEER" id --json >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" 'o["source"] == "peercred" and o["pid"] > 1 and o["local"] is None'
    [ "$(wc -l <"$WORLD/tmp/json")" = 1 ]
}

@test "id: --json of a user without account has no groups, and says why" {
    run -1 --separate-stderr peer 4242 tcp4 "$WSAPEER" id --json
    echo "$output" >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" 'o["uid"] == 4242 and o["user"] is None and o["groups"] is None'
    json "$WORLD/tmp/json" '"no such account" in o["reason"]'
}

@test "id: a client that has gone is nobody" {
    run -1 --separate-stderr peer --gone alice tcp4 "$WSAPEER" id
    [ "$output" = "" ]
    [[ $stderr = "wsapeer: no identity: "* ]]
    run -1 --separate-stderr peer --gone alice tcp4 "$WSAPEER" id --json
    echo "$output" >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" 'o["kind"] == "none" and o["uid"] is None and o["reason"]'
}

@test "id: what is no connected socket is trouble, in one line" {
    run -2 --separate-stderr "$WSAPEER" id </dev/null
    [ "${#stderr_lines[@]}" = 1 ]
    [[ $stderr = "wsapeer: cannot look at descriptor 0: "* ]]
    run -2 --separate-stderr "$WSAPEER" id --fd=99
    [[ $stderr = *"descriptor 99: Bad file descriptor"* ]]
    run -2 --separate-stderr "$WSAPEER" id --pid=999999
    [[ $stderr = *"there is no such process"* ]]
}

@test "id: options that do not go together are refused as id(1) refuses them" {
    local options
    for options in -ug -uG -gG -n -z -nz "-u --json" "-n --json" --fd= --fd=-1 --fd=0x0 --fd=1a \
        --fd=99999999999 --pid=0 --pid=alice operand --nosuchoption; do
        # shellcheck disable=SC2086
        run -2 --separate-stderr peer alice unix "$WSAPEER" id $options
        [ "$output" = "" ]
        [[ $stderr = wsapeer* ]] || explain "$options: $stderr"
    done
}

@test "id: the name of an account cannot steer the terminal" {
    printf 'ev\033[31m\302\233il:x:4300:4300::/:/bin/sh\n' >>"$WORLD/etc/passwd"
    [ "$(peer 4300 unix "$WSAPEER" id -un)" = 'ev\x1b[31m\xc2\x9bil' ]
    peer 4300 unix "$WSAPEER" id --json >"$WORLD/tmp/json"
    json "$WORLD/tmp/json" 'o["user"] == r"ev\x1b[31m\xc2\x9bil"'
}

@test "id: output that nobody can read is trouble" {
    run -2 --separate-stderr peer alice unix sh -c "\"$WSAPEER\" id >/dev/full"
    [[ $stderr = "wsapeer: cannot write to standard output: No space left on device" ]]
}

@test "wsapeer: --help lists the commands, --version the version, others are refused" {
    run -0 "$WSAPEER" --help
    [[ $output = *"  run "* && $output = *"  id "* ]]
    run -0 "$WSAPEER" --version
    [[ $output =~ ^"wsapeer "[0-9]+\.[0-9]+\.[0-9]+$ ]]
    run -125 --separate-stderr "$WSAPEER" nosuchcommand
    [ "$stderr" = "wsapeer: there is no command 'nosuchcommand'; see 'wsapeer --help'" ]
    run -125 --separate-stderr "$WSAPEER"
    [ "${#stderr_lines[@]}" = 1 ]
    run -0 "$WSAPEER" id --help
    [[ $output = *--json* ]]
}

