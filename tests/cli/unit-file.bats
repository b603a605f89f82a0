# The example of a unit file is one that systemd understands.
# shellcheck disable=SC2154 # run sets stderr
bats_require_minimum_version 1.5.0
load ../lib/world

unit=$SOURCE/man/wsapeer-nginx.service

# verify FILE: nothing may be said about it. The command is where it was built, not installed.
verify() {
    sed "s|^ExecStart=wsapeer |ExecStart=$WSAPEER |" "$unit" >"$WORLD/tmp/wsapeer-nginx.service"
    [ -z "${1:-}" ] || sed -i "$1" "$WORLD/tmp/wsapeer-nginx.service"
    run --separate-stderr systemd-analyze verify --man=no "$WORLD/tmp/wsapeer-nginx.service"
}

@test "unit file: systemd-analyze has nothing to say about it" {
    command -v systemd-analyze >/dev/null || skip "needs systemd-analyze: apt-get install systemd"
    verify
    [ "$status" = 0 ] && [ -z "$output$stderr" ] || explain "$status: $output$stderr"
}

@test "unit file: systemd-analyze would have said so" {
    command -v systemd-analyze >/dev/null || skip "needs systemd-analyze: apt-get install systemd"
    verify 's/^KillMode=.*/KillMode=gently/'
    [ -n "$output$stderr" ] || explain "a wrong KillMode was not noticed"
    verify 's/^\(ExecStart=\)[^ ]*/\1nosuchcommand/'
    [ "$status" != 0 ] || explain "a command that is not there was not noticed"
}

@test "unit file: wsapeer understands its command line" {
    local words
    grep -q '^Type=notify$' "$unit"
    grep -q '^ExecReload=kill -HUP \$MAINPID$' "$unit"
    words=$(sed -n '/^ExecStart=/,/[^\\]$/p' "$unit" | tr -d '\\\n' | sed 's/^ExecStart=wsapeer run//; s/ -- .*//')
    # shellcheck disable=SC2086 # words
    "$WSAPEER" run $words --explain=alice
}
