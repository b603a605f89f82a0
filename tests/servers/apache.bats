# apache2, event, worker and prefork: several processes, which become www-data by themselves: an instance
# for each account, or scopes. In worker a thread accepts, and threads of a pool read and answer.
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
    ! has_apache || /usr/sbin/apache2 -v | head -n 1 >&3
    serve_apache event account 8000
    serve_apache event auto 8001
    serve_apache prefork account 8002
    serve_apache prefork auto 8003
    serve_apache prefork scope 8004
    serve_apache worker account 8005
    serve_apache worker auto 8006
    serve_apache worker scope 8007
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

@test "apache2 prefork, --isolate=scope: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8004
    everything_right 127.0.0.1:8004
}

@test "apache2 worker, --isolate=account: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8005
}

@test "apache2 worker without an option: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8006
}

@test "apache2 worker, --isolate=scope: 1,200 requests of four users, 16 at once: each his own" {
    right_by_any_way 127.0.0.1:8007
    everything_right 127.0.0.1:8007
}
