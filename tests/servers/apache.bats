# apache2, event and prefork: several processes, www-data from the start: an instance for each account.
#
# Seen to fail by scopes: event, on kept connections, refused 2 of 1,000 to their owner; and while an
# instance found the pid file of the service (kill(2) in hooks/), each but the first ended at its start.
load ../lib/world
load ../lib/rights
load ways

serve_apache() { # MODEL WAY PORT
    local directory=$WORLD/apache-$1-$2 modules=/usr/lib/apache2/modules
    has_apache || return 0
    mkdir -p "$directory"
    cat >"$directory/conf" <<END
ServerRoot $directory
ServerName localhost
Listen 127.0.0.1:$3
PidFile $directory/pid
ErrorLog /dev/stderr
User www-data
Group www-data
LoadModule mpm_$1_module $modules/mod_mpm_$1.so
LoadModule authz_core_module $modules/mod_authz_core.so
StartServers 2
MaxKeepAliveRequests 0
DocumentRoot $WORLD/home
<Directory $WORLD/home>
    Require all granted
</Directory>
END
    serve_way "$2" "apache-$1-$2" "127.0.0.1:$3" /usr/sbin/apache2 -DFOREGROUND -f "$directory/conf"
}

has_apache() {
    [ -x /usr/sbin/apache2 ]
}

setup_file() {
    serve_apache event account 8000
    serve_apache event auto 8001
    serve_apache prefork account 8002
    serve_apache prefork auto 8003
}

setup() {
    has_apache || skip "needs apache2: apt-get install apache2-bin"
}

@test "apache2 event, --isolate=account: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8000
    everything_right 127.0.0.1:8000
}

@test "apache2 event without an option: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8001
    everything_right 127.0.0.1:8001
}

@test "apache2 prefork, --isolate=account: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8002
}

@test "apache2 prefork without an option: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8003
}
