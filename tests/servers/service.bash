# service.bash: a service for one connection each, which others start: busybox httpd -i speaks HTTP
# on its descriptors 0 and 1. After ../lib/world.bash, ../lib/rights.bash.
#
#   service [OPTION of exec...]   sets `service`: the command line of it, as the connection's peer

service() {
    # shellcheck disable=SC2034 # for who called
    service=("$WSAPEER" exec "$@" -- "$(tool busybox)" httpd -i -h "$WORLD/home")
}

need() { # PROGRAM PACKAGE: says which it is, since not all of them tell
    tool "$1" >/dev/null || skip "needs $1 ($2): tests/run gets it"
    if [ -e "$BUILD/tests/tools/$2" ]; then
        echo "$2 $(cat "$BUILD/tests/tools/$2")" >&3
    else
        dpkg-query --show "$2" >&3 || true
    fi
    tool busybox >/dev/null || skip "needs a busybox that is dynamically linked: tests/run gets it"
}

# root is nobody's peer; stranger is one by whose connection nothing may be executed.
nobody_else() { # ADDRESS
    cut_off root "$1" /shared/public
    cut_off stranger "$1" /shared/public
    gets alice "$1" /alice/private "alice's private"
}
