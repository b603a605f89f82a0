# atftpd: select(2) in the first thread, and a thread for each request, which opens the file and a
# socket of its own.
load ../lib/each
load fetch

export SERVER=atftpd
ADDRESS=127.0.0.1:6969

setup() {
    tool atftpd >/dev/null || skip "needs atftpd: tests/run gets it"
}

serve_tftp() { # OPTION of run...
    "$(tool atftpd)" --version | head -n 1 >&3
    serve atftpd "udp:$ADDRESS" -- "$WSAPEER" run "$@" -- "$(tool atftpd)" --daemon --no-fork \
        --user=root.root --port="${ADDRESS##*:}" --bind-address="${ADDRESS%:*}" --logfile=- \
        "$WORLD/home"
}

@test "atftpd: each his own, a stranger what everybody may have" {
    serve_tftp --verbose
    each_his_own
    each_his_own
    logged 'served 127\.0\.0\.1:[0-9]+ \(uid 1001 alice, by stamp\) at 127\.0\.0\.1:6969 as alice'
}

@test "atftpd: files of many blocks, two users at once" {
    serve_tftp
    at_once 10
}
