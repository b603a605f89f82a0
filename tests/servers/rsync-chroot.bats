# rsync --daemon with `use chroot`: a child takes the connection, changes its root directory to the
# module's, and only then opens files: --chroot-ok. The daemon believes to be root and to stay it
# (uid = root): it is the client all the same.
load ../lib/each
load rsync

ADDRESS=127.0.0.1:8730

setup() {
    tool rsync >/dev/null || skip "needs rsync: apt-get install rsync"
    mkdir -p "$BATS_TEST_TMPDIR/jail"
    chmod 1777 "$BATS_TEST_TMPDIR/jail"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
    ln -s "$WORLD/home/alice/private" "$BATS_TEST_TMPDIR/jail/out"
    echo "in the module" >"$BATS_TEST_TMPDIR/jail/in"
}

serve_rsync() { # OPTION of run...
    cat >"$BATS_TEST_TMPDIR/conf" <<END
uid = root
gid = root
read only = no
[home]
path = $WORLD/home
use chroot = yes
[undecided]
path = $WORLD/home
[jail]
path = $BATS_TEST_TMPDIR/jail
use chroot = yes
END
    start_rsync "$WSAPEER" run "$@" --
}

@test "rsync, use chroot = yes: each his own, a stranger what everybody may have" {
    serve_rsync --chroot-ok --isolate=scope
    each_his_own home
    each_his_own home
    ! grep -q chroot "$(log_of rsync)"
}

@test "rsync, use chroot = yes, without an option for isolation; and where rsync tries whether it can" {
    serve_rsync --chroot-ok
    each_his_own home
    each_his_own undecided
}

@test "rsync, use chroot = yes: what is sent belongs to who sent it" {
    serve_rsync --chroot-ok
    echo sent >"$BATS_TEST_TMPDIR/file"
    copy alice "$BATS_TEST_TMPDIR/file" "rsync://$ADDRESS/home/alice/sent"
    [ "$(stat -c '%U %G' "$WORLD/home/alice/sent")" = "alice alice" ]
    [ "$(cat "$WORLD/home/alice/sent")" = sent ]
    ! copy bob "$BATS_TEST_TMPDIR/file" "rsync://$ADDRESS/home/alice/bobs" 2>/dev/null ||
        explain "bob wrote into alice's home"
    [ ! -e "$WORLD/home/alice/bobs" ]
}

@test "rsync, use chroot = yes: the module is the root, and a link leads nowhere beside it" {
    serve_rsync --chroot-ok
    fetches alice jail/in "in the module"
    denied alice jail/out
}

@test "rsync, use chroot = yes: without --chroot-ok nobody is served, and the log says what would help" {
    serve_rsync
    denied alice home/alice/private
    denied bob home/shared/public
    logged "rsync\[[0-9]+\]: asked for a root directory of its own \(chroot\).*--chroot-ok would allow it"
}
