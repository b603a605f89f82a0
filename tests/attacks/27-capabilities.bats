# 27: capabilities that the base has by other ways than being root (ambient, inheritable), and
# securebits that would keep them: none is effective in a scope, and no program of a peer's has any.
#
# Seen to fail: with the capabilities not lowered after a switch, alice had eff=c0.
bats_require_minimum_version 1.5.0
load fixtures/victim

PROBE=$FIXTURES/probe

CAPS=+setuid,+setgid,+dac_read_search,+net_raw

# serve_with SETPRIV_OPTION... -- RUN_OPTION...
serve_with() {
    local setpriv=()
    while [ "$1" != -- ]; do
        setpriv+=("$1")
        shift
    done
    shift
    serve victim "$ADDRESS" -- setpriv "${setpriv[@]}" env PATH="$FIXTURES:$PATH" \
        "$WSAPEER" run "$@" -- "$FIXTURES/victim" --listen="$ADDRESS" --model=thread
}

nothing_left() {
    is_peer alice "$(ask_as alice ids)"
    answers alice "read $ALICE" "alice's private"
    answers alice "read $WORLD/home/shared/root" EACCES
    answers bob "read $ALICE" EACCES
    for way in "exec execve $PROBE" "vfork execve $PROBE" "spawn plain $PROBE" "popen probe"; do
        [[ $(ask_as alice "$way") = *" prm=0 eff=0 "* ]] || explain "$way: $(ask_as alice "$way")"
    done
    answers alice "raw setuid 0" EPERM
}

@test "27: root with ambient and inheritable capabilities" {
    serve_with --inh-caps=$CAPS --ambient-caps=$CAPS --
    nothing_left
}

@test "27: root with fewer capabilities than all, and with securebits" {
    serve_with --bounding-set=-net_admin,-sys_module --securebits=+noroot_locked --
    nothing_left
}

@test "27: a root that is nobody special to the kernel has no capability to switch with" {
    run -125 setpriv --securebits=+noroot,+noroot_locked "$WSAPEER" run true
    [[ $output == *CAP_SETUID* ]] || explain "$output"
}

@test "27: an account with capabilities, who is not root, is told that it takes root" {
    run -125 setpriv --reuid=www-data --regid=www-data --clear-groups --inh-caps=$CAPS \
        --ambient-caps=$CAPS "$WSAPEER" run true
    [[ $output == *"takes root"* ]] || explain "$output"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}
