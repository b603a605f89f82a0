# 41: servers that carry a request out when its client has gone and another is served, and whose
# waits do not show by themselves that more than one client could wake them.
#
# Seen to fail: each time bob's job read alice's private file: the first with the scope kept over a
# wait that timed out, the second with the flags of an epoll set not shared by its copies, the third
# with scope_accept() not recording a listener that nobody saw listen.
load fixtures/victim

ALICE=$WORLD/home/alice/private

# bob leaves a request for alice's file behind; it is carried out while alice alone is connected.
nobodys_job() { # HOW: what alice does meanwhile, a line or nothing
    same "$(ask_as bob "later $ALICE")" noted "bob"
    visit a alice
    tell a "$WORLD/home/alice/public"
    hear a >/dev/null
    [ -z "$1" ] || tell a "$1"
    logged "the job: "
    same "$(grep -o 'the job: .*' "$(log_of victim)")" "the job: EACCES"
    leave a
}

defer() {
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/deferred" "$1" "${ADDRESS##*:}"
}

@test "41: a job that falls due while a client says nothing is not that client's" {
    defer own
    nobodys_job ""
}

@test "41: a job of a loop that waits by a copy of its epoll set is nobody's" {
    defer dup
    nobodys_job "$WORLD/home/alice/public"
}

@test "41: a job of a loop that found its listener open is nobody's" {
    defer inherited
    nobodys_job "$WORLD/home/alice/public"
}
