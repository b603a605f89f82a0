# rsync --daemon without `use chroot`: a child takes the connection and becomes, as it believes, what the
# module says before it opens files; it is the client all the same.
load ../lib/each
load rsync

ADDRESS=127.0.0.1:8730

setup() {
    tool rsync >/dev/null || skip "needs rsync: apt-get install rsync"
    open_directories
    cat >"$BATS_TEST_TMPDIR/conf" <<END
use chroot = no
read only = no
path = $WORLD/home
gid = root
[home]
uid = root
[alices]
uid = alice
gid = alice
[nobodys]
uid = nobody
gid = nogroup
END
}

@test "rsync: each his own, a stranger what everybody may have" {
    start_rsync "$WSAPEER" run --
    each_his_own home
    each_his_own home
}

@test "rsync: what is sent belongs to who sent it" {
    start_rsync "$WSAPEER" run --
    rm -rf "$WORLD/home/alice/tree"
    mkdir -p "$BATS_TEST_TMPDIR/tree/below"
    echo sent >"$BATS_TEST_TMPDIR/tree/below/file"
    chmod -R a+rX "$BATS_TEST_TMPDIR/tree"
    copy alice -r "$BATS_TEST_TMPDIR/tree" "rsync://$ADDRESS/home/alice/"
    [ "$(stat -c '%U %G' "$WORLD/home/alice/tree/below/file")" = "alice alice" ]
    ! copy bob -r "$BATS_TEST_TMPDIR/tree" "rsync://$ADDRESS/home/alice/bobs" 2>/dev/null ||
        explain "bob wrote into alice's home"
    [ ! -e "$WORLD/home/alice/bobs" ]
}

@test "rsync: a module that is to be alice's is alice's for her, and nobody's for others" {
    start_rsync "$WSAPEER" run --
    fetches alice alices/alice/private "alice's private"
    denied bob alices/alice/private
    denied bob alices/bob/private
    denied stranger alices/shared/public
}

@test "rsync: a module that is to be nobody's is refused, since no peer may become another" {
    start_rsync "$WSAPEER" run --
    denied alice nobodys/alice/private
    denied alice nobodys/shared/public
}

@test "rsync, --isolate=connection and --isolate=account: each his own" {
    for way in connection account; do
        start_rsync "$WSAPEER" run --isolate="$way" --
        each_his_own home
        stop rsync
    done
}

@test "rsync without us: everybody gets everything" {
    start_rsync
    fetches stranger home/alice/private "alice's private"
}
