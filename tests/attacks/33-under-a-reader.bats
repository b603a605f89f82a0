# 33: a connection that is closed while a thread waits for its bytes, and whose number is the next
# client's when they come.
#
# Seen to fail: with the connection looked up only behind the read (no comparison with
# reading->cookie) alice's line was carried out as bob, and bob's file read.
load fixtures/victim

clients() {
    [ "$(ss -Htn state established "sport = :${ADDRESS##*:}" | wc -l)" = "$1" ]
}

@test "33: what alice sends is not carried out as bob, who has her connection's number now" {
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/watchdog" "${ADDRESS##*:}"
    visit a alice
    await 10 clients 1
    visit b bob
    says b hello "under the same number"
    tell a "$BOB"
    says b hello "not read: EACCES"
    leave a
    leave b
}
