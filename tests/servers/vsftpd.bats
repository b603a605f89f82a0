# vsftpd: forks for each connection; the child has a second connection for data.
#
# Anonymous: with run_as_launching_user=YES it stays who it is, and that is the client. Without, it wants to
# become its own user in the child, which nobody may who is sealed: it serves nobody. Log-in: it becomes
# who proves to be somebody: not for us, but for a gate.
load ../lib/each
load fetch

export SERVER=vsftpd SCHEME=ftp
ADDRESS=127.0.0.1:2121

setup() {
    tool vsftpd >/dev/null || skip "needs vsftpd: tests/run gets it"
    mkdir -p "$WORLD/empty"
    cat >"$BATS_TEST_TMPDIR/conf" <<END
listen=YES
listen_address=${ADDRESS%:*}
listen_port=${ADDRESS##*:}
background=NO
secure_chroot_dir=$WORLD/empty
ftp_username=nobody
nopriv_user=nobody
anon_root=$WORLD/home
no_anon_password=YES
anon_world_readable_only=NO
anon_upload_enable=YES
anon_other_write_enable=YES
write_enable=YES
isolate=NO
isolate_network=NO
END
}

configure() { # LINE...
    printf '%s\n' "$@" >>"$BATS_TEST_TMPDIR/conf"
}

serve_vsftpd() { # COMMAND that is to execute it...
    "$(tool vsftpd)" -v 2>&1 0>&1 | head -n 1 >&3
    serve vsftpd "$ADDRESS" -- "$@" "$(tool vsftpd)" "$BATS_TEST_TMPDIR/conf"
}

@test "vsftpd, anonymous, run_as_launching_user=YES: each his own, and what is sent is the sender's" {
    configure run_as_launching_user=YES
    serve_vsftpd "$WSAPEER" run --
    each_his_own
    each_his_own
    send alice sent alice/by-ftp
    [ "$(stat -c '%U %G' "$WORLD/home/alice/by-ftp")" = "alice alice" ]
    ! send bob sent alice/by-bob || explain "bob made a file in alice's home"
}

# A session ends with its parent (PR_SET_PDEATHSIG): with the handler, which waits for it.
@test "vsftpd, anonymous, --isolate=connection: each his own, and what is sent is the sender's" {
    configure run_as_launching_user=YES
    serve_vsftpd "$WSAPEER" run --isolate=connection --
    each_his_own
    each_his_own
    send alice sent alice/by-ftp
    [ "$(stat -c '%U %G' "$WORLD/home/alice/by-ftp")" = "alice alice" ]
}

# Its children end with an error before they have logged anybody in.
serves_nobody() {
    local user said
    for user in alice bob stranger; do
        ! said=$(fetch "$user" shared/public) || explain "$user fetched: \"$said\""
        ! said=$(fetch "$user" "$user/private") || explain "$user fetched: \"$said\""
    done
}

@test "vsftpd, anonymous, as its own user: nobody is served, with --chroot-ok or without" {
    serve_vsftpd "$WSAPEER" run --
    serves_nobody
    stop vsftpd
    serve_vsftpd "$WSAPEER" run --chroot-ok --
    serves_nobody
}

# What it says first, and when it is told who would log in.
greeting() { # USER
    as "$1" timeout 20 bash -c "exec 3<>/dev/tcp/${ADDRESS/:/\/}
        read -r line <&3 && echo \"\$line\"; printf 'USER %s\r\n' '$1' >&3
        read -r line <&3 && echo \"\$line\"" 2>/dev/null
}

@test "vsftpd, log-in, behind a gate: others do not even come to the password" {
    configure anonymous_enable=NO local_enable=YES
    serve_vsftpd "$WSAPEER" run --gate --allow=alice --
    for _ in 1 2 3; do
        [[ $(greeting alice) = "220 "*"331 "* ]] || explain "alice was told \"$(greeting alice)\""
        [ "$(greeting bob)" = "" ] || explain "bob was told \"$(greeting bob)\""
        [ "$(greeting stranger)" = "" ] || explain "stranger was told \"$(greeting stranger)\""
    done
}

# By pam_unix, with a password of the world's own: its files and /etc/pam.d are not the machine's.
let_log_in() { # USER...
    local user password changed
    [ -e /etc/pam.d/other ] || skip "needs PAM: apt-get install libpam-modules"
    mkdir -p "$WORLD/pam.d"
    mountpoint -q /etc/pam.d || mount --bind "$WORLD/pam.d" /etc/pam.d
    printf '%s\n' 'auth required pam_unix.so' 'account required pam_permit.so' \
        'session required pam_permit.so' >/etc/pam.d/vsftpd
    # shellcheck disable=SC2016 # it is Perl
    password=$(perl -e 'print crypt("password", q($6$salt$))')
    for user; do
        changed=$(sed "s#^$user:[^:]*:#$user:$password:#" /etc/shadow)
        printf '%s\n' "$changed" >/etc/shadow # the same file: it is mounted
    done
    configure anonymous_enable=NO local_enable=YES pam_service_name=vsftpd
}

logs_in() { # USER AS
    as "$1" curl -q --silent --noproxy '*' --max-time 20 --user "$2:password" "ftp://$ADDRESS/private"
}

@test "vsftpd, log-in, behind a gate: who may come logs in, and is who has proved to be; others are cut off" {
    local status=0
    let_log_in alice bob
    serve_vsftpd "$WSAPEER" run --gate --allow=alice --
    [ "$(logs_in alice alice)" = "alice's private" ]
    [ "$(logs_in alice bob)" = "bob's private" ] # a password says who; the gate only who may come
    logs_in bob bob || status=$?
    [ "$status" = 56 ] || [ "$status" = 7 ] || explain "bob: $status"
    logs_in bob alice && explain "bob came in as alice"
    stop vsftpd
    serve_vsftpd
    [ "$(logs_in bob alice)" = "alice's private" ]
}

@test "vsftpd without us: everybody gets everything" {
    configure run_as_launching_user=YES
    serve_vsftpd
    fetches stranger alice/private "alice's private"
}
