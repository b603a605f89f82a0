# habits.bash: servers with habits that many have, and their clients: `load habits`.
#
#   serve_habit MODEL [RUN OPTION...] -- [OPTION...]   habits.py wrapped, on $ADDRESS
#   client USER WHAT [ARGUMENT...]                     habits-client.py
#   begin NAME USER WHAT [ARGUMENT...]                 the same until `finish NAME`; what it says is in $(heard_of NAME)
#   same SAID PATTERN, says TEXT [TIMES], logged PATTERN

# shellcheck disable=SC2034 # of the file that loads this
load ../lib/world

HABITS=$SOURCE/tests/servers/habits.py
CLIENT=$SOURCE/tests/servers/habits-client.py

serve_habit() {
    local model=$1 options=() awaited=$ADDRESS
    shift
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    case $model:$ADDRESS in
        *:[/@]*) ;;
        edge:* | forks-datagrams:* | peek:* | signals:* | time-out:*) awaited=udp:$ADDRESS ;;
    esac
    serve habit "${AWAITED:-$awaited}" -- "$WSAPEER" run "${options[@]}" -- \
        /usr/bin/python3 "$HABITS" "$model" "$ADDRESS" "$WORLD/home" "$@"
}

client() {
    local user=$1
    shift
    as "$user" timeout 60 /usr/bin/python3 "$CLIENT" "$@"
}

heard_of() {
    echo "$WORLD/tmp/heard-$1"
}

begin() {
    local name=$1
    shift
    mkfifo "$WORLD/tmp/stdin-$name"
    : >"$(heard_of "$name")"
    RUN_AS="" client "$@" <"$WORLD/tmp/stdin-$name" >"$(heard_of "$name")" 2>&1 3>&- &
    eval "client_$name=$!"
    eval "exec {stdin_$name}>$WORLD/tmp/stdin-$name"
    rm "$WORLD/tmp/stdin-$name"
}

finish() {
    local pid=client_$1
    eval "exec {stdin_$1}>&-"
    wait "${!pid}" || true
}

has_heard() { # NAME LINES
    [ "$(wc -l <"$(heard_of "$1")")" -ge "$2" ]
}

same() {
    # shellcheck disable=SC2053 # a pattern
    [[ $1 = $2 ]] || explain "\"$1\", not \"$2\""
}

logged() {
    await 10 grep -qE -- "$1" "$(log_of habit)" || explain "no such line in the log: $1"
}

never_logged() {
    ! grep -E -- "$1" "$(log_of habit)" || explain "a line in the log that should not be there"
}

server() {
    pgrep -o -f "^/usr/bin/python3 $HABITS "
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}
