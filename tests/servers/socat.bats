# socat: a process a connection that executes a program, which is the peer in every id.
load ../lib/world

setup_file() {
    command -v socat >/dev/null || return 0
    export UNIX=$WORLD/socat.sock TCP=127.0.0.1:7000 UNIX_STATUS=$WORLD/status.sock \
        TCP_STATUS=127.0.0.1:7001
    local status="SYSTEM:cat /proc/self/status"
    serve unix-id "$UNIX" -- "$WSAPEER" run -- \
        /usr/bin/socat "UNIX-LISTEN:$UNIX,fork,mode=777" SYSTEM:id
    serve tcp-id "$TCP" -- "$WSAPEER" run -- \
        /usr/bin/socat TCP-LISTEN:7000,bind=127.0.0.1,reuseaddr,fork SYSTEM:id
    serve unix-status "$UNIX_STATUS" -- "$WSAPEER" run -- \
        /usr/bin/socat "UNIX-LISTEN:$UNIX_STATUS,fork,mode=777" "$status"
    serve tcp-status "$TCP_STATUS" -- "$WSAPEER" run -- \
        /usr/bin/socat TCP-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork "$status"
}

setup() {
    command -v socat >/dev/null || skip "needs socat: apt-get install socat"
}

hear() { # USER ADDRESS
    local where=TCP-CONNECT:$2
    [[ $2 != /* ]] || where=UNIX-CONNECT:$2
    as "$1" /usr/bin/socat -u -T20 "$where" -
}

says_id() { # USER ADDRESS TEXT
    local said
    said=$(hear "$1" "$2")
    [ "$said" = "$3" ] || explain "id for $1 said \"$said\", not \"$3\""
}

every_id_is() { # USER ADDRESS UID GROUPS
    local said field none=0000000000000000
    said=$(hear "$1" "$2" | tr '\t' ' ')
    for field in "Uid: $3 $3 $3 $3" "Gid: $3 $3 $3 $3" "Groups: $4 " "CapInh: $none" \
        "CapPrm: $none" "CapEff: $none" "CapAmb: $none"; do
        grep -qx "$field" <<<"$said" ||
            explain "for $1 the program has not \"$field\":" \
                "$(grep -E '^(Uid|Gid|Groups|Cap)' <<<"$said")"
    done
}

alice_id="uid=1001(alice) gid=1001(alice) groups=1001(alice),2001(staff)"
bob_id="uid=1002(bob) gid=1002(bob) groups=1002(bob)"

@test "socat UNIX-LISTEN SYSTEM:id prints each peer" {
    says_id alice "$UNIX" "$alice_id"
    says_id bob "$UNIX" "$bob_id"
    says_id alice "$UNIX" "$alice_id"
}

@test "socat TCP-LISTEN SYSTEM:id prints each peer" {
    says_id alice "$TCP" "$alice_id"
    says_id bob "$TCP" "$bob_id"
    says_id alice "$TCP" "$alice_id"
}

@test "socat UNIX-LISTEN: what is executed has the peer in every id and no capability" {
    every_id_is alice "$UNIX_STATUS" 1001 "1001 2001"
    every_id_is bob "$UNIX_STATUS" 1002 1002
}

@test "socat TCP-LISTEN: what is executed has the peer in every id and no capability" {
    every_id_is alice "$TCP_STATUS" 1001 "1001 2001"
    every_id_is bob "$TCP_STATUS" 1002 1002
}
