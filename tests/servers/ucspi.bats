# tcpserver, unixserver, s6-ipcserver: a program a connection, which `wsapeer exec` makes its client's.
load ../lib/world
load ../lib/rights
load service

setup_file() {
    local service strict
    export TCP=127.0.0.1:7000 TCP_STRICT=127.0.0.1:7001 UNIX=$WORLD/unixserver.sock IPC=$WORLD/ipcserver.sock
    tool busybox >/dev/null || return 0
    service --deny=stranger
    strict=("${service[@]}")
    service
    if tool tcpserver >/dev/null; then
        serve tcp "$TCP" -- "$(tool tcpserver)" -HRl0 127.0.0.1 7000 "${service[@]}"
        serve strict "$TCP_STRICT" -- "$(tool tcpserver)" -HRl0 127.0.0.1 7001 "${strict[@]}"
    fi
    ! tool unixserver >/dev/null || serve unix "$UNIX" -- "$(tool unixserver)" "$UNIX" "${service[@]}"
    ! tool s6-ipcserver >/dev/null || serve ipc "$IPC" -- "$(tool s6-ipcserver)" -a 777 "$IPC" "${service[@]}"
}

@test "tcpserver: each user has what is that user's, and no more" {
    need tcpserver ucspi-tcp
    everything_right "$TCP"
}

@test "tcpserver: who is refused gets nothing; the log says who, and by which rule" {
    need tcpserver ucspi-tcp
    nobody_else "$TCP_STRICT"
    grep -q 'wsapeer: exec: descriptor 0: uid 0 is refused: ' "$(log_of strict)"
    grep -q 'wsapeer: exec: descriptor 0: uid 1004 is refused: .*--deny=stranger' "$(log_of strict)"
}

@test "unixserver: each user has what is that user's, and no more" {
    need unixserver ucspi-unix
    everything_right "$UNIX"
    cut_off root "$UNIX" /shared/public
}

@test "s6-ipcserver: each user has what is that user's, and no more" {
    need s6-ipcserver s6
    everything_right "$IPC"
    cut_off root "$IPC" /shared/public
}
