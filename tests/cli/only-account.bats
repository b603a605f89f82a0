# wsapeer run --only with an instance for each account: the supervisor takes over the named sockets; the
# others are the first instance's, and in the rest of them nobody ever comes there.
load tenant
load ../servers/nginx

PUBLIC=127.0.0.1:7000
ADMIN=127.0.0.1:7001

two_doors() {
    tenant_at "$PUBLIC" "$ADMIN" : --only="$PUBLIC" --
}

each_at_his_door() { # UID OF THE FIRST, a pattern
    local user first
    first=$(say stranger "os.getpid()" "$ADMIN")
    for user in alice bob carol; do
        says "$user" "get /uid" "$(id -u "$user")" "$PUBLIC"
        says "$user" "get $WORLD/home/shared/public" "everybody's" "$PUBLIC"
        says "$user" "os.getpid()" "$first" "$ADMIN"
        [[ $(say "$user" "get /uid" "$ADMIN") =~ ^$1$ ]] || explain "$user is not with the first"
    done
    says root "os.getpid()" "$first" "$ADMIN"
    turned_away root "$PUBLIC"
    says alice "get $WORLD/home/alice/private" "alice's private" "$PUBLIC"
}

@test "only, account: the named port goes to each account's instance, the other to the first, as base" {
    two_doors
    each_at_his_door 0
    [ "$(grep -c "not to be served at $ADMIN" "$(log_of tenant)")" = 1 ]
}

@test "only, auto: the same, and the first serves the other port with ground's rights" {
    ISOLATION='' two_doors
    each_at_his_door '6[1-5][0-9]{3}'
}

@test "only, account: at the end the log tells which name no socket had" {
    tenant_at "$PUBLIC" "$ADMIN" : --only=@nobody --only="$PUBLIC" --
    says alice "get /uid" 1001 "$PUBLIC"
    ends_with 143 TERM
    grep -q "^wsapeer: --only=@nobody: the server had no such socket$" "$(log_of tenant)"
    ! grep -q -- "--only=$PUBLIC" "$(log_of tenant)"
}

@test "only, account: a sealed instance has nothing that listens but stand-ins, at both ports" {
    two_doors
    says alice "real_listeners()" 0 "$PUBLIC"
    says bob "real_listeners()" 0 "$PUBLIC"
    says bob "real_listeners()" 1 "$ADMIN"
}

@test "only, account: AF_UNIX: the path stays the first's, whatever instances start and end" {
    local path=$WORLD/tmp/admin.sock
    tenant_at "$PUBLIC" "$path" : --only="$PUBLIC" --idle=1 --
    local pid
    pid=$(say alice "os.getpid()" "$PUBLIC")
    says bob "get /uid" 0 "$path"
    await 20 has_ended "$pid"
    says bob "get /uid" 0 "$path"
    says alice "get /uid" 1001 "$PUBLIC"
}

serve_two() { # OPTION of run...
    local directory=$WORLD/two
    mkdir -p "$directory"
    cat >"$directory/conf" <<END
user root;
daemon off;
worker_processes 2;
pid $directory/pid;
error_log stderr;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $directory/body;
    proxy_temp_path $directory/proxy;
    fastcgi_temp_path $directory/fastcgi;
    uwsgi_temp_path $directory/uwsgi;
    scgi_temp_path $directory/scgi;
    server {
        listen $PUBLIC;
        listen $ADMIN;
        root $WORLD/home;
    }
}
END
    serve two "$PUBLIC" -- "$WSAPEER" run "$@" --only="$PUBLIC" -- \
        "$(tool nginx)" -p "$directory" -e stderr -c "$directory/conf"
}

nginx_is_right() { # WHAT ROOT'S FILE IS AT THE OTHER PORT: gets or denied
    for _ in 1 2 3; do
        gets alice "$PUBLIC" /alice/private "alice's private"
        denied bob "$PUBLIC" /alice/private
        gets bob "$PUBLIC" /bob/private "bob's private"
        denied bob "$PUBLIC" /shared/root
        gets root "$ADMIN" /shared/public "everybody's"
        if [ "$1" = gets ]; then
            gets root "$ADMIN" /shared/root "root's private"
        else
            denied root "$ADMIN" /shared/root
        fi
    done
}

@test "only, account: nginx with two lines of listen, workers as root" {
    need_nginx
    serve_two --isolate=account
    nginx_is_right gets
}

@test "only, auto: nginx with two lines of listen, workers as root" {
    need_nginx
    serve_two
    nginx_is_right denied
}
