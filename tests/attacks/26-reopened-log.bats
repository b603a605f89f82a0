# 26: SIGHUP in the middle of a request: the main loop opens the log anew when the request is over.
# That is the server's own affair: it has the ground's rights there, no more, and never the peer's.
#
# Seen to fail: without scope_after_close() alice opened the log, "opened anew" in a directory of hers,
# and the account did not.
load fixtures/victim

PROGRAM=$SOURCE/tests/attacks/fixtures/reopener.py

serve_logger() { # DIRECTORY [RUN OPTION...]
    local directory=$1
    shift
    serve logger "$ADDRESS" -- "$WSAPEER" run "$@" -- \
        /usr/bin/python3 "$PROGRAM" "$ADDRESS" "$directory" "$WORLD/home"
}

# One request of alice's, with a HUP in its middle.
hang_up_meanwhile() {
    visit alice alice
    says alice "first half" half
    kill -HUP "$(cat "$(servers_directory)/logger.pid")"
    says alice /alice/private "ok alice's private"
    leave alice
}

logs() {
    await 10 grep -qF -- "$1" "$(log_of logger)" || explain "the server did not say: $1"
}

log_directory() { # OWNER
    install -d -o "$1" -m 700 "$WORLD/tmp/logs-$1"
    echo "$WORLD/tmp/logs-$1"
}

@test "26: the log is opened with nobody's rights, not with root's" {
    serve_logger "$(log_directory root)"
    hang_up_meanwhile
    logs "log: Permission denied"
    [ ! -e "$WORLD/tmp/logs-root/log" ]
    same "$(ask_as bob half /bob/private)" "half
ok bob's private"
}

@test "26: not with the peer's either" {
    serve_logger "$(log_directory alice)"
    hang_up_meanwhile
    logs "log: Permission denied"
    [ ! -e "$WORLD/tmp/logs-alice/log" ]
}

@test "26: with --ground=ACCOUNT it is that account's" {
    serve_logger "$(log_directory labguest)" --ground=labguest
    hang_up_meanwhile
    logs "log opened anew"
    same "$(stat -c %U "$WORLD/tmp/logs-labguest/log")" labguest
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}
