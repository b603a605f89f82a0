# nginx with an instance for each account: by --isolate=account and without an option, with workers as
# www-data and as root. Each test asks all four.
#
# Seen to fail by scopes, with --inline, of 1,000 requests: limit_req 5 answered with another's file and
# 239 refused to their owner; open_file_cache 316 cut off; the backend told 6 the uid of another.
# Without wsapeer everything that is uploaded belongs to www-data.
load ../lib/world
load ../lib/rights
load ways
load nginx

serve_four() {
    local way user port=8000 options
    for way in account auto; do
        options=()
        [ "$way" = auto ] || options=("--isolate=$way")
        for user in www-data root; do
            instance=-$way-$user serve_nginx "$user" "127.0.0.1:$port" "${options[@]}"
            port=$((port + 1))
        done
    done
}

setup_file() {
    tool nginx >/dev/null || return 0
    serve backend "$WORLD/backend.sock" -- \
        /usr/bin/python3 "$SOURCE/tests/servers/backend.py" "$WORLD/backend.sock"
    serve_four
}

setup() {
    need_nginx
}

ADDRESSES="127.0.0.1:8000 127.0.0.1:8001 127.0.0.1:8002 127.0.0.1:8003"

@test "nginx, an instance an account: 1,200 requests of four users, 16 at once: each his own" {
    for address in $ADDRESSES; do
        right_by_any_way "$address"
    done
    everything_right 127.0.0.1:8000
    everything_right 127.0.0.1:8003
}

@test "nginx, an instance an account, limit_req: requests that are delayed: each his own" {
    for address in $ADDRESSES; do
        right_by_any_way "$address" --prefix=/limited
    done
}

@test "nginx, an instance an account, open_file_cache: each his own" {
    for address in $ADDRESSES; do
        right_by_any_way "$address" --prefix=/cached
    done
}

@test "nginx, an instance an account: a backend sees each client's uid, on connections kept for others" {
    for address in $ADDRESSES; do
        right_by_any_way "$address" --ask=uid
    done
}

@test "nginx, an instance an account: what is uploaded belongs to who sent it, by way of a file" {
    local port=8000 way user
    for way in account auto; do
        for user in www-data root; do
            /usr/bin/python3 "$SOURCE/tests/servers/uploader.py" --put=/drop --size=40000 --files=320 \
                --connections=16 --at-once "127.0.0.1:$port" "$WORLD/drop/nginx-$way-$user"
            port=$((port + 1))
        done
    done
}
