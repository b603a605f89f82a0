# masters.bash: masters.py, with an instance for each account.
#
#   begin WAY WAIT [RUN OPTION...]          start it on $ADDRESS
#   each_his_own COUNT                      so many requests, of alice and bob
#   in_order WAY:WAIT... [RUN OPTION...]    one after the other: every worker serves each his own, and
#                                           so does the one that takes the place of one that dies
load ../lib/world

ADDRESS=127.0.0.1:7000

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}

begin() { # WAY WAIT [RUN OPTION...]
    local way=$1 wait=$2
    shift 2
    serve master "$ADDRESS" -- "$WSAPEER" run "$@" -- \
        /usr/bin/python3 "$SOURCE/tests/servers/masters.py" "$way" "$wait" "$ADDRESS"
}

say() { # USER LINE...
    local user=$1
    shift
    as "$user" timeout 60 /usr/bin/python3 "$SOURCE/tests/servers/client.py" ask --lines "$ADDRESS" "$@" \
        2>&1 || true
}

each_his_own() { # COUNT
    /usr/bin/python3 "$SOURCE/tests/servers/client.py" load --lines --ask=uid --prefix="get " \
        --users=alice,bob --workers=8 --requests="$1" "$ADDRESS" || explain "wrong answers at $ADDRESS"
}

# shellcheck disable=SC2016 # it is for another shell
pids_of() { # USER: as eight connections are told
    as "$1" timeout 60 bash -c 'for _ in 1 2 3 4 5 6 7 8; do
        exec 3<>"/dev/tcp/$1/$2" && echo pid >&3 && read -r _ pid <&3 && echo "$pid"
    done' bash "${ADDRESS%:*}" "${ADDRESS##*:}"
}

# Two answer, and PIDS are not these two; they are printed.
two_workers_serve() { # USER [PIDS]
    local pids=
    for _ in 1 2 3 4 5; do
        pids=$(pids_of "$1" | sort -u - <(echo "$pids") | sed '/^$/d')
        [ "$(wc -l <<<"$pids")" = 2 ] && [ "$pids" != "${2:-}" ] && echo "$pids" && return 0
    done
    explain "not two of $1's workers answered:" "$pids"
}

none_is_starting() {
    ! "$WSAPEER" list --pid="$(cat "$(servers_directory)/master.pid")" --no-header | grep -q starting
}

is_in_order() { # WAY WAIT [RUN OPTION...]
    local pids
    echo "# $*" # for who reads of a failure
    begin "$@"
    each_his_own 32
    two_workers_serve alice >/dev/null
    pids=$(two_workers_serve bob)
    [ "$(say bob port)" = "ok ${ADDRESS##*:}" ]
    await 20 none_is_starting || explain "an instance does not come to wait"
    say bob die >/dev/null
    two_workers_serve bob "$pids" >/dev/null
    stop_all
}

in_order() { # WAY:WAIT... [RUN OPTION...]
    local cases=()
    while [[ ${1:-} = *:* ]]; do
        cases+=("$1")
        shift
    done
    for one in "${cases[@]}"; do
        is_in_order "${one%:*}" "${one#*:}" "$@"
    done
}
