# each.bash: world.bash, for files of which each test starts servers of its own: they end with it.
#
#   public NAME             what comes on stdin becomes a file of the test's that all users may read
#   open_directories        all users may go into the test's directory
#   hear_server USER        prints what a server on 127.0.0.1:7000 says to who says nothing

load ../lib/world

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}

open_directories() {
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

public() {
    open_directories
    cat >"$BATS_TEST_TMPDIR/$1"
    chmod 644 "$BATS_TEST_TMPDIR/$1"
}

hear_server() {
    as "$1" bash -c 'cat </dev/tcp/127.0.0.1/7000'
}
