# 18: peers who are nobody to be: an id that no account has, ids that stand for nobody, root, and a name
# service that fails. Each is refused before any change of ids, the log says why, the next is served.
load fixtures/victim

# as_id UID LINE...: a visit with that user id, whatever it stands for.
visit_as_id() {
    local id=$1
    shift
    setpriv --reuid="$id" --regid="$id" --clear-groups "$FIXTURES/visitor" "$ADDRESS" "$@" || true
}

refused_id() { # UID WHY
    same "$(visit_as_id "$1" ids)" closed "uid $1"
    logged "$2"
    is_peer alice "$(ask_as alice ids)"
}

# Seen to fail: without policy_reserve()'s list the guard's and the resolver's ids were refused for
# having no account, and only as long as none is made with that number.
@test "18: an id without an account, overflowuid, the guard's and the resolver's own: refused" {
    attack -- --model=iterative
    guard=$(ask_as alice ids)
    guard=${guard#uid=} guard=${guard%%,*}
    pid=$(cat "$(servers_directory)/victim.pid")
    resolver=$(ps -o uid=,args= -e | awk '/wsapeer run/ && $1 >= 61184 { print $1; exit }')
    [ -n "$resolver" ] || explain "no resolver"
    refused_id 4242 "no such account"
    refused_id 65534 "(unidentified)"
    refused_id "$guard" "stands for nobody"
    refused_id "$resolver" "stands for nobody"
    kill -0 "$pid"
}

@test "18: the same over AF_UNIX, where the kernel itself names the peer" {
    ADDRESS=$WORLD/tmp/victim.socket
    attack -- --model=iterative
    guard=$(ask_as alice ids)
    guard=${guard#uid=} guard=${guard%%,*}
    refused_id 4242 "no such account"
    refused_id 65534 "(unidentified)"
    refused_id "$guard" "stands for nobody"
    same "$(ask_as root ids)" closed
    is_peer bob "$(ask_as bob ids)"
}

@test "18: root is refused, unless it is mapped, and then has that account's rights alone" {
    attack -- --model=iterative
    same "$(ask_as root ids)" closed
    logged "(uid 0 root"
    is_peer alice "$(ask_as alice ids)"
    stop_all
    attack --map=root=opsguest -- --model=iterative
    is_peer opsguest "$(ask_as root ids)"
    answers root "read $WORLD/home/shared/root" EACCES
    answers root "raw setuid 0" EPERM
    answers root "read $WORLD/home/alice/private" EACCES
}

@test "18: users cannot be looked up: refused, not taken for unknown; served when they can be again" {
    attack -- --model=iterative
    is_peer alice "$(ask_as alice ids)"
    chmod 000 /etc/passwd
    same "$(ask_as bob ids)" closed
    logged "the name service failed"
    chmod 644 /etc/passwd
    is_peer bob "$(ask_as bob ids)"
}

# Seen to fail: with the group database's errors passed over (no strict services, no probe_groups(),
# errno of getgrouplist(3) ignored) carol was served without her group staff.
@test "18: groups cannot be looked up: refused, never served without them" {
    attack -- --model=iterative
    is_peer alice "$(ask_as alice ids)"
    chmod 000 /etc/group
    same "$(ask_as carol ids)" closed
    logged "the name service failed"
    chmod 644 /etc/group
    is_peer carol "$(ask_as carol ids)"
}
