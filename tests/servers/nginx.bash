# nginx.bash: starts nginx for $WORLD/home. After ../lib/world.bash.

need_nginx() {
    tool nginx >/dev/null || skip "needs nginx: tests/run gets it"
}

# serve_nginx USER-OF-WORKERS ADDRESS [OPTION of run...]
serve_nginx() {
    local user=$1 address=$2 nginx directory=$WORLD/nginx
    shift 2
    nginx=$(tool nginx) || return 0
    mkdir -p "$directory"
    cat >"$directory/conf" <<END
user $user;
daemon off;
worker_processes 2;
pid $directory/pid;
error_log stderr;
events { worker_connections 256; }
http {
    access_log off;
    keepalive_requests 100000;
    client_body_temp_path $directory/body;
    proxy_temp_path $directory/proxy;
    fastcgi_temp_path $directory/fastcgi;
    uwsgi_temp_path $directory/uwsgi;
    scgi_temp_path $directory/scgi;
    server {
        listen $address;
        root $WORLD/home;
    }
}
END
    serve nginx "$address" -- "$WSAPEER" run "$@" -- \
        "$nginx" -p "$directory" -e stderr -c "$directory/conf"
}
