# inetd and xinetd: a stream service that `wsapeer exec` starts is its client.
load ../lib/world
load ../lib/rights
load service

setup_file() {
    export OPENBSD=127.0.0.1:7000 OPENBSD6='[::1]:7001' OPENBSD_STRICT=127.0.0.1:7002 \
        XINETD=127.0.0.1:7003 XINETD_STRICT=127.0.0.1:7004
    start_openbsd
    start_xinetd
}

start_openbsd() {
    local service conf=$WORLD/tmp/inetd.conf
    tool inetd >/dev/null && tool busybox >/dev/null || return 0
    service
    {
        echo "127.0.0.1:7000 stream tcp nowait root $WSAPEER ${service[*]}"
        echo "[::1]:7001 stream tcp6 nowait root $WSAPEER ${service[*]}"
        service --deny=stranger
        echo "127.0.0.1:7002 stream tcp nowait root $WSAPEER ${service[*]}"
    } >"$conf"
    serve inetd "$OPENBSD" -- "$(tool inetd)" -i "$conf"
}

xinetd_service() { # NAME PORT
    cat <<END
service $1
{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    wait = no
    user = root
    bind = 127.0.0.1
    port = $2
    server = ${service[0]}
    server_args = ${service[*]:1}
}
END
}

start_xinetd() {
    local service conf=$WORLD/tmp/xinetd.conf
    tool xinetd >/dev/null && tool busybox >/dev/null || return 0
    service
    xinetd_service open 7003 >"$conf"
    service --deny=stranger
    xinetd_service strict 7004 >>"$conf"
    serve xinetd "$XINETD" -- "$(tool xinetd)" -dontfork -f "$conf"
}

@test "inetd: each user has what is that user's, and no more" {
    need inetd openbsd-inetd
    everything_right "$OPENBSD"
    everything_right "$OPENBSD6"
}

@test "inetd: who is refused gets nothing, not even the reason" {
    need inetd openbsd-inetd
    nobody_else "$OPENBSD_STRICT"
}

@test "xinetd: each user has what is that user's, and no more" {
    need xinetd xinetd
    everything_right "$XINETD"
}

@test "xinetd: who is refused gets nothing, not even the reason" {
    need xinetd xinetd
    nobody_else "$XINETD_STRICT"
}
