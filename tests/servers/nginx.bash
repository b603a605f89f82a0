# nginx.bash: starts nginx for $WORLD/home. After ../lib/world.bash.
#
# Beside the files themselves: /limited/ is delayed by limit_req, /cached/ comes from open_file_cache,
# /uid asks backend.py at $WORLD/backend.sock on kept connections, and what is PUT to /drop/ becomes a
# file there. client_body_temp_path is a directory for everybody, as wsapeer-run(1) says.

need_nginx() {
    tool nginx >/dev/null || skip "needs nginx: tests/run gets it"
}

# serve_nginx USER-OF-WORKERS ADDRESS [OPTION of run...]
serve_nginx() {
    local user=$1 address=$2 name=nginx${instance:-} nginx directory
    shift 2
    directory=$WORLD/$name
    nginx=$(tool nginx) || return 0
    mkdir -p "$directory/body" "$WORLD/drop/$name"
    chmod 1777 "$directory/body" "$WORLD/drop/$name"
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
    limit_req_zone \$request_method zone=slow:1m rate=1000r/s;
    upstream backend {
        server unix:$WORLD/backend.sock;
        keepalive 16;
    }
    server {
        listen $address;
        root $WORLD/home;
        location /limited/ {
            alias $WORLD/home/;
            limit_req zone=slow burst=1000;
        }
        location /cached/ {
            alias $WORLD/home/;
            open_file_cache max=100;
            open_file_cache_errors on;
        }
        location /uid {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
        location /drop/ {
            alias $WORLD/drop/$name/;
            dav_methods PUT;
            dav_access user:rw;
            client_body_buffer_size 1k;
        }
    }
}
END
    serve "$name" "$address" -- "$WSAPEER" run "$@" -- \
        "$nginx" -p "$directory" -e stderr -c "$directory/conf"
}
