# tftpd-hpa --secure: one datagram socket; each request is a child's, which changes its root directory
# and then takes the request: --chroot-ok. Its clients are known by the stamps on their packets.
#
# By itself it ends with status 66 where the host has no address but loopback's: it asks
# getaddrinfo(3) for its own address with AI_ADDRCONFIG.
load ../lib/each
load fetch

export SERVER=tftpd
ADDRESS=127.0.0.1:6969

setup() {
    tool in.tftpd >/dev/null || skip "needs tftpd-hpa: tests/run gets it"
    ip address replace 10.7.7.7/32 dev lo
}

serve_tftp() { # OPTION of run... -- OPTION...
    local ours=()
    while [ "$1" != -- ]; do
        ours+=("$1")
        shift
    done
    shift
    "$(tool in.tftpd)" -V 2>&1 | head -n 1 >&3
    serve tftpd "udp:$ADDRESS" -- "$WSAPEER" run "${ours[@]}" -- "$(tool in.tftpd)" -L --secure \
        --permissive -u root --address "$ADDRESS" "$@" "$WORLD/home"
}

@test "tftpd-hpa --secure --permissive: each his own, a stranger what everybody may have" {
    serve_tftp --chroot-ok --verbose --
    each_his_own
    each_his_own
    logged 'served 127\.0\.0\.1:[0-9]+ \(uid 1001 alice, by stamp\) at 127\.0\.0\.1:6969 as alice'
}

@test "tftpd-hpa --secure: files of many blocks, two users at once" {
    serve_tftp --chroot-ok --
    at_once 10
}

@test "tftpd-hpa --secure: what is sent there belongs to who sent it" {
    serve_tftp --chroot-ok -- --create
    send alice sent alice/sent
    await 10 test -s "$WORLD/home/alice/sent"
    [ "$(stat -c '%U %G' "$WORLD/home/alice/sent")" = "alice alice" ]
    ! send bob sent alice/bobs || explain "bob made a file in alice's home"
    [ ! -e "$WORLD/home/alice/bobs" ]
}

@test "tftpd-hpa --secure: without --chroot-ok nobody is answered, and the log says what would help" {
    serve_tftp --
    ! as alice curl -q --silent --noproxy '*' --max-time 2 "tftp://$ADDRESS/alice/private" ||
        explain "alice was answered"
    ! as bob curl -q --silent --noproxy '*' --max-time 2 "tftp://$ADDRESS/bob/private" ||
        explain "bob was answered"
    logged "in\.tftpd\[[0-9]+\]: asked for a root directory of its own \(chroot\).*--chroot-ok would allow it"
}
