# tenant.bash: tenant.py, with an instance for each account. After ../lib/world.bash.
#
#   tenant [RUN OPTION...] -- [OPTION...]   start it on $ADDRESS with --isolate=account
#   tenant_at ADDRESS... : RUN OPTION... -- OPTION...
#   say USER EXPRESSION [ADDRESS]           prints the value; fails if there is none
#   says USER EXPRESSION VALUE [ADDRESS]    it must be that
#   refuses USER EXPRESSION                 permission is denied
#   every_task_is USER PID COUNT            every task of the process, and of its children, is the user's
#   stay NAME USER [ADDRESS [COUNT]]        talk.py as USER, until `leave NAME`
#   tell NAME EXPRESSION, heard NAME LINE   to it; the next line that it says must be that
#   next_line NAME                          prints that
#   has_heard_nothing NAME                  that nobody has listened to yet
#   turned_away USER [ADDRESS]              the connection must end without an answer
#   supervisor                              prints its pid
#   all_of PID                              prints it and everything below it
#   instance_of ACCOUNT                     prints the pid of the account's instance, by wsapeer list
#   each_his_own_at ADDRESS                 alice and bob are served as themselves, root is not
#   no_wsapeer_is_left                      of the supervisor and the keepers
#   is_no_name @NAME                        no socket has that name
#   has_spares N                            so many wait for the next account

load ../lib/each

ADDRESS=127.0.0.1:7000
export ISOLATION=--isolate=account

tenant_at() {
    local addresses=() ours=()
    while [ "$1" != : ]; do
        addresses+=("$1")
        shift
    done
    shift
    while [ "$1" != -- ]; do
        ours+=("$1")
        shift
    done
    shift
    # shellcheck disable=SC2086 # nothing, or an option
    serve tenant "${addresses[0]}" -- "$WSAPEER" run $ISOLATION "${ours[@]}" -- \
        /usr/bin/python3 "$SOURCE/tests/cli/tenant.py" "$@" "${addresses[@]}"
}

tenant() {
    tenant_at "$ADDRESS" : "$@"
}

ask_tenant() { # USER EXPRESSION ADDRESS
    as "$1" timeout 60 /usr/bin/python3 "$SOURCE/tests/servers/client.py" ask --lines "$3" "$2" 2>&1
}

say() {
    local said
    said=$(ask_tenant "$1" "$2" "${3:-$ADDRESS}") || true
    [[ $said = "ok "* ]] || explain "$1 said \"$2\": \"$said\"" || return 1
    echo "${said#ok }"
}

says() {
    local said
    said=$(say "$1" "$2" "${4:-$ADDRESS}") || return 1
    [ "$said" = "$3" ] || explain "$1 said \"$2\": \"$said\", not \"$3\""
}

refuses() {
    local said
    said=$(ask_tenant "$1" "$2" "$ADDRESS") || true
    [[ $said = "error [Errno 13]"* ]] || explain "$1 said \"$2\": \"$said\", not that it may not"
}

# CapBnd is left as it was, on purpose.
every_task_is() {
    local uid groups process status found tasks=0 none=0000000000000000
    uid=$(id -u "$1")
    groups=$(id -G "$1" | tr ' ' '\n' | sort -n | paste -sd' ')
    for process in "$2" $(pgrep -P "$2"); do
        for status in "/proc/$process/task"/*/status; do
            tasks=$((tasks + 1))
            found=$(grep -E '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)):' "$status" | tr -s '\t\n ' ' ')
            [ "$found" = "Uid: $uid $uid $uid $uid Gid: $uid $uid $uid $uid Groups: $groups \
CapInh: $none CapPrm: $none CapEff: $none CapAmb: $none " ] || explain "$status is not $1's: $found"
        done
    done
    [ "$tasks" = "$3" ] || explain "$tasks tasks, not $3"
}

declare -gA to from pids # of those who stay

stay() { # NAME USER [ADDRESS [COUNT]]
    stay_with "$1" as "$2" /usr/bin/python3 "$SOURCE/tests/cli/talk.py" "${3:-$ADDRESS}" "${@:4}"
}

stay_with() { # NAME COMMAND...
    local name=$1 pipe=$BATS_TEST_TMPDIR/$1 writing reading
    shift
    mkfifo "$pipe.in" "$pipe.out"
    (
        close_descriptors
        export RUN_AS=
        "$@"
    ) <"$pipe.in" >"$pipe.out" 2>&1 &
    pids[$name]=$!
    exec {writing}>"$pipe.in" {reading}<"$pipe.out"
    rm "$pipe.in" "$pipe.out"
    to[$name]=$writing
    from[$name]=$reading
}

tell() {
    echo "$2" >&"${to[$1]}"
}

next_line() {
    local line=
    read -r -t 60 -u "${from[$1]}" line || true
    echo "$line"
}

heard() {
    local line
    line=$(next_line "$1")
    [ "$line" = "$2" ] || explain "$1 heard \"$line\", not \"$2\""
}

has_heard_nothing() {
    ! read -r -t 0 -u "${from[$1]}"
}

leave() {
    local writing=${to[$1]} reading=${from[$1]}
    exec {writing}>&-
    wait "${pids[$1]}" || true
    exec {reading}<&-
}

turned_away() {
    local said
    said=$(ask_tenant "$1" "1 + 1" "${2:-$ADDRESS}") && explain "$1 was served: $said" && return 1
    [[ $said = client.py:* ]] || explain "$1 was answered: $said"
}

supervisor() {
    cat "$(servers_directory)/tenant.pid"
}

# An instance may have a session of its own.
all_of() {
    ps -eo pid=,ppid= --sort=start_time | awk -v top="$1" '
        $1 == top || below[$2] { below[$1] = 1; print $1 }'
}

instance_of() {
    "$WSAPEER" list --pid="$(supervisor)" --no-header | awk -v who="$1" '$1 == who { print $3 }'
}

each_his_own_at() { # ADDRESS
    says alice "get /uid" 1001 "$1"
    says bob "get /uid" 1002 "$1"
    turned_away root "$1"
}

no_wsapeer_is_left() {
    ! pgrep -x 'wsapeer.*' >/dev/null
}

is_no_name() { # @NAME
    ! grep -q " $1\$" /proc/net/unix
}

has_spares() {
    [ "$("$WSAPEER" list --pid="$(supervisor)" | grep -c ' spare ')" = "$1" ]
}

logged() {
    await 10 grep -qE -- "$1" "$(log_of tenant)" || explain "no such line in the log: $1"
}

# ends_with STATUS[|STATUS] [SIGNAL]: after SIGNAL, or without, the server ends so, and all of it.
ends_with() {
    local pid one all status=0
    pid=$(supervisor)
    all=$(all_of "$pid")
    [ -z "${2:-}" ] || kill -"$2" "$pid"
    await 20 has_ended "$pid" || explain "it did not end" || return 1
    wait "$pid" || status=$?
    rm "$(servers_directory)/tenant.pid"
    for one in $all; do
        await 20 has_ended "$one" || explain "left behind: $(ps -o pid=,args= -p "$one")" || return 1
    done
    await 10 nothing_left_of "$pid" || explain "left behind:" "$(ps -o pid=,args= -s "$pid")"
    [[ $status =~ ^($1)$ ]] || explain "it ended with $status, not $1"
}
