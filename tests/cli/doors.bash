# doors.bash: doors.py, wrapped, and who comes to it. After ../lib/world.bash.
#
#   doors PUBLIC ADMIN [OPTION of run...] -- [STEP...]   start it; UDP=--udp for datagrams
#   asks USER ADDRESS LINE TEXT      the answer must be TEXT
#   turned_away USER ADDRESS               the connection must end without an answer
#   comes USER ADDRESS               says hello there, and stays until the server has gone
#   sends USER ADDRESS               one datagram, hello
#   printed STEP WHAT                the server's next line must be that of STEP, and say WHAT
#   logged, never_logged PATTERN     what the log must, must not say

load ../lib/each

doors() {
    local public=$1 admin=$2 ours=()
    shift 2
    while [ "$1" != -- ]; do
        ours+=("$1")
        shift
    done
    shift
    seen=0
    serve doors "${UDP:+udp:}$public" -- "$WSAPEER" run "${ours[@]}" -- \
        /usr/bin/python3 "$SOURCE/tests/cli/doors.py" ${UDP:+"$UDP"} "$public" "$admin" "$@"
}

asks() {
    local said
    said=$(as "$1" timeout 20 /usr/bin/python3 "$SOURCE/tests/servers/client.py" ask --lines "$2" "$3" 2>&1) ||
        true
    [ "$said" = "ok $4" ] || explain "$1 said \"$3\" to $2: \"$said\", not \"ok $4\""
}

turned_away() {
    local said
    said=$(as "$1" timeout 20 /usr/bin/python3 "$SOURCE/tests/servers/client.py" ask --lines "$2" ids 2>&1) ||
        true
    [[ $said != "ok "* ]] || explain "$1 was served at $2: \"$said\""
}

in_background() { # USER PROGRAM ARGUMENT...
    (
        close_descriptors
        export RUN_AS=exec
        as "$1" timeout 60 /usr/bin/python3 -c "${@:2}"
    ) </dev/null >/dev/null 2>&1 &
}

comes() {
    in_background "$1" 'if True:
        import socket, sys
        host, _, port = sys.argv[1].rpartition(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"hello\n")
        connection.recv(1)' "$2"
}

sends() {
    as "$1" /usr/bin/python3 -c 'if True:
        import socket, sys
        host, _, port = sys.argv[1].rpartition(":")
        socket.socket(type=socket.SOCK_DGRAM).sendto(b"hello\n", (host, int(port)))' "$2"
}

steps_printed() {
    grep -E '^(accept|read|ids|file|wait|move)' "$(log_of doors)"
}

has_printed() { # NUMBER
    [ "$(steps_printed | wc -l)" -ge "$1" ]
}

printed() {
    local line
    seen=$((seen + 1))
    await 20 has_printed "$seen" || explain "the server does not come to $1"
    line=$(steps_printed | sed -n "${seen}p")
    [ "$line" = "$1 $2" ] || explain "step $seen: \"$line\", not \"$1 $2\""
}

logged() {
    await 10 grep -qE -- "$1" "$(log_of doors)" || explain "no such line in the log: $1"
}

never_logged() {
    ! grep -E -- "$1" "$(log_of doors)" || explain "it is in the log: $1"
}
