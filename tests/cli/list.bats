# wsapeer list: what it refuses, and how it says so. What it lists is a matter of tests/unit and of
# the tests with servers that have instances.
# shellcheck disable=SC2154 # run sets stderr and stderr_lines
bats_require_minimum_version 1.5.0
load ../lib/world
load refused

refused() { # STATUS TEXT ARGUMENT...
    refuses list "wsapeer: list: " "$@"
}

@test "list: --help and --usage are for stdout, and no failure" {
    run --separate-stderr "$WSAPEER" list --help
    [ "$status" = 0 ]
    [ -z "$stderr" ]
    [[ $output == "Usage: wsapeer list "*--json*--pid=SUPERVISOR* ]]
    run --separate-stderr "$WSAPEER" list --usage
    [ "$status" = 0 ]
    [ -z "$stderr" ]
    "$WSAPEER" --help | grep -q '^  list '
}

@test "list: usage errors are one line and 2" {
    refused 2 "name it by --pid"
    refused 2 "name it by --pid" --json
    refused 2 "no option --frob" --frob
    refused 2 "no option -x" -x
    refused 2 "option --pid needs a value" --pid
    refused 2 "option --json takes no value" --json=yes
    refused 2 "--pid takes the number of a process" --pid=x
    refused 2 "--pid takes the number of a process" --pid=0
    refused 2 "--pid takes the number of a process" --pid=-1
    refused 2 "options only" --pid=$$ nginx
    refused 2 "--no-header" --pid=$$ --json --no-header
}

@test "list: a process that is none, or no supervisor, is one line and 1" {
    local ended
    true &
    ended=$!
    wait "$ended"
    refused 1 "there is no process $ended" --pid="$ended"
    refused 1 "process $$ has no instances" --pid=$$
}

@test "list: who took the name of another's supervisor is not believed" {
    as bob /usr/bin/python3 -c 'import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind("\0wsapeer-instances-" + sys.argv[1])
server.listen()
open(sys.argv[2], "w").close()
server.settimeout(20)
server.accept()' $$ "$WORLD/tmp/ready" 3>&- 4>&- &
    await 10 test -e "$WORLD/tmp/ready"
    refused 2 "another user, who is not believed" --pid=$$
    wait
}
