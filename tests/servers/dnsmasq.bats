# dnsmasq's TFTP: one process, a loop by poll(2) over the socket that takes requests and one for each
# transfer. A file is opened when its request has come, and read as its blocks are confirmed.
load ../lib/each
load fetch

export SERVER=dnsmasq
ADDRESS=127.0.0.1:69

serve_tftp() { # OPTION of run...
    dnsmasq --version | head -n 1 >&3
    serve dnsmasq "udp:$ADDRESS" -- "$WSAPEER" run "$@" -- dnsmasq --keep-in-foreground --port=0 \
        --conf-file=/dev/null --pid-file= --enable-tftp --tftp-root="$WORLD/home" \
        --listen-address=127.0.0.1 --bind-interfaces --user=root --log-facility=-
}

@test "dnsmasq: each his own, a stranger what everybody may have" {
    serve_tftp --verbose
    each_his_own
    each_his_own
    logged 'served 127\.0\.0\.1:[0-9]+ \(uid 1001 alice, by stamp\) at 127\.0\.0\.1:69 as alice'
}

@test "dnsmasq: who is refused is not heard" {
    serve_tftp --deny=bob
    unheard bob shared/public
    logged "denied by --deny=bob"
    fetches alice alice/private "alice's private"
}

@test "dnsmasq: files of many blocks, one user after the other" {
    serve_tftp
    for user in alice bob alice; do
        yes "$user's own line" | head -n 1000 >"$WORLD/home/$user/long"
        chown "$user" "$WORLD/home/$user/long"
        chmod 600 "$WORLD/home/$user/long"
        fetch "$user" "$user/long" | cmp - "$WORLD/home/$user/long"
    done
}
