# 41: servers that carry a request out when its client has gone and another is served, and whose
# waits do not show by themselves that more than one client could wake them.
#
# Seen to fail: both times bob's job read alice's private file: the first with the flags of an epoll
# set not shared by its copies, the second with scope_accept() not recording a listener that nobody saw listen.
load fixtures/victim

# bob leaves a request for alice's file behind; it is carried out while alice alone is connected.
nobodys_job() { # LINE: what alice asks for meanwhile
    same "$(ask_as bob "later $ALICE")" noted "bob"
    visit a alice
    tell a "$WORLD/home/alice/public"
    hear a >/dev/null
    tell a "$1"
    logged "the job: "
    same "$(grep -o 'the job: .*' "$(log_of victim)")" "the job: EACCES"
    leave a
}

defer() {
    serve victim "$ADDRESS" -- "$WSAPEER" run --isolate=scope -- "$FIXTURES/deferred" "$1" "${ADDRESS##*:}"
}

@test "41: a job of a loop that waits by a copy of its epoll set is nobody's" {
    defer dup
    nobodys_job "$WORLD/home/alice/public"
}

@test "41: a job of a loop that found its listener open is nobody's" {
    defer inherited
    nobodys_job "$WORLD/home/alice/public"
}
