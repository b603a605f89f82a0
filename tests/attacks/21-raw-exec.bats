# 21: an exec that no hook sees: the program is the guard and the peer, or the guard alone, with no
# capability, and never what the server was started as.
#
# Seen to fail: with 0 as the outer ids (place.outer) all three: the program was not the guard's.
load fixtures/victim

PROBE=$BUILD/tests/attacks/fixtures/probe

# guard_and USER IDS
guard_and() {
    local uid
    uid=$(id -u "$1")
    [[ $2 =~ ^uid=([0-9]+),$uid,$uid\ gid=$uid,$uid,$uid\ .*\ prm=0\ eff=0\ descriptors=\  ]] &&
        [ "${BASH_REMATCH[1]}" -ge 61184 ] || explain "not the guard and $1: $2"
}

@test "21: a raw execve in a scope gives the guard and the peer, no capability" {
    attack -- --model=iterative
    for way in vfork clone; do
        guard_and alice "$(ask_as alice "$way raw $PROBE")"
        guard_and bob "$(ask_as bob "$way raw $PROBE")"
    done
    is_peer alice "$(ask_as alice "both vfork raw $PROBE ;; ids" | sed 's/.* ;; //')"
}

@test "21: the shell that wordexp(3) starts inside libc has the peer's rights at most" {
    attack -- --model=iterative
    line=$(ask_as alice "wordexp probe")
    [[ $line =~ ^uid=(6[1-5][0-9]{3}),([0-9]+),([0-9]+)\ .*prm=0\ eff=0\ descriptors=\  ]] ||
        explain "$line"
    answers alice "wordexp cat $WORLD/home/shared/root" ""
    answers bob "wordexp cat $WORLD/home/alice/private" ""
}

# At ground there is no second id that would make the loader ignore our library: it cannot greet the
# resolver without a channel, and the program ends before it begins.
@test "21: a raw execve at ground gives the guard alone, or nothing at all" {
    attack -- --model=thread
    line=$(ask_as alice "by thread vfork raw $PROBE")
    [ -z "$line" ] || is_ground "$line"
    logged "cannot wrap this program"
    line=$(ask_as alice "by thread vfork raw /usr/bin/env -i $PROBE")
    [ -z "$line" ] || is_ground "$line"
    is_peer alice "$(ask_as alice ids)"
}

@test "21: what is executed through the hooks at ground is the guard, without a capability" {
    attack -- --model=thread
    for request in "exec execve $PROBE" "vfork execve $PROBE" "spawn plain $PROBE" "popen probe"; do
        line=$(ask_as alice "by thread $request")
        [[ $line =~ ^uid=(6[1-5][0-9]{3}),(6[1-5][0-9]{3}),(6[1-5][0-9]{3})\ .*\ prm=0\ eff=0\  ]] ||
            explain "$request: $line"
    done
}
