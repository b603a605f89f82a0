# tcpserver, unixserver, s6-ipcserver, wrapped themselves: what they execute for a connection is its
# client's from its first instruction on, though it knows nothing of us.
load ../lib/world
load ../lib/rights
load service

setup_file() {
    export TCP=127.0.0.1:7000 UNIX=$WORLD/unixserver.sock IPC=$WORLD/ipcserver.sock
    local plain way port=7001 run=("$WSAPEER" run --deny=root --)
    tool busybox >/dev/null || return 0
    plain=("$(tool busybox)" httpd -i -h "$WORLD/home")
    if tool tcpserver >/dev/null; then
        serve tcp "$TCP" -- "${run[@]}" "$(tool tcpserver)" -HRl0 127.0.0.1 7000 "${plain[@]}"
        for way in connection account; do
            serve "tcp-$way" "127.0.0.1:$port" -- "$WSAPEER" run --isolate="$way" -- \
                "$(tool tcpserver)" -HRl0 127.0.0.1 "$port" "${plain[@]}"
            port=$((port + 1))
        done
    fi
    ! tool unixserver >/dev/null ||
        serve unix "$UNIX" -- "${run[@]}" "$(tool unixserver)" -- "$UNIX" "${plain[@]}"
    ! tool s6-ipcserver >/dev/null ||
        serve ipc "$IPC" -- "${run[@]}" "$(tool s6-ipcserver)" -a 777 "$IPC" "${plain[@]}"
}

@test "tcpserver, wrapped: each user has what is that user's, and no more" {
    need tcpserver ucspi-tcp
    everything_right "$TCP"
    many_requests "$TCP" --requests=200
    cut_off root "$TCP" /shared/public
}

@test "tcpserver, wrapped, a process for each connection: the same" {
    need tcpserver ucspi-tcp
    everything_right 127.0.0.1:7001
}

@test "tcpserver, wrapped, an instance for each account: the same" {
    need tcpserver ucspi-tcp
    everything_right 127.0.0.1:7002
}

@test "unixserver, wrapped: each user has what is that user's, and no more" {
    need unixserver ucspi-unix
    everything_right "$UNIX"
    cut_off root "$UNIX" /shared/public
}

@test "s6-ipcserver, wrapped: each user has what is that user's, and no more" {
    need s6-ipcserver s6
    everything_right "$IPC"
    cut_off root "$IPC" /shared/public
}
