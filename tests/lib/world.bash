# world.bash: what bats files share. `load ../lib/world` (or ../../lib/world); inside tests/world.
#
#   as USER COMMAND...              run COMMAND as USER, with USER's groups
#   serve NAME ADDRESS -- COMMAND   start a server as root, wait until it listens
#   serve_as USER NAME ADDRESS -- COMMAND
#   log_of NAME                     the file with what the server said
#   stop NAME, stop_all             end what serve started; what ignores TERM or leaves something
#                                   behind fails the test
#   ask USER ADDRESS PATH           one HTTP request: prints the body, fails unless answered 2xx
#   gets USER ADDRESS PATH TEXT     it must be answered with TEXT
#   denied USER ADDRESS PATH        it must be answered with 403 or 404 and nobody's text
#   cut_off USER ADDRESS PATH       the connection must end without an answer
#   await SECONDS COMMAND...        until COMMAND succeeds, looked at again and again
#
# ADDRESS: HOST:PORT, [HOST6]:PORT, or an AF_UNIX socket: its path, or @NAME (not for HTTP); for
# serve also udp:HOST:PORT.

if [ -z "${WORLD:-}" ]; then
    echo "only inside tests/world" >&2
    exit 125
fi

# Where the servers of this file are written down; setup_file's live as long as the file.
servers_directory() {
    echo "${BATS_FILE_TMPDIR:-$WORLD/tmp}/servers"
}

explain() {
    printf '%s\n' "$@" >&2
    return 1
}

as() {
    local user=$1 home run=${RUN_AS:-}
    shift
    home=$(getent passwd "$user" | cut -d: -f6)
    $run setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all \
        env HOME="$home" USER="$user" LOGNAME="$user" "$@"
}

# A pipe that nobody ever writes to: reading from it with a time-out gives way to others for that
# long at most, and starts no process.
pause() {
    local never
    exec {never}<> <(:)
    read -r -t 0.02 -u "$never" || true
    exec {never}>&-
}

await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        pause
    done
}

is_listening() {
    case $1 in
        [/@]*) [ -n "$(ss -Hlx src "$1" 2>/dev/null)" ] ;;
        udp:*) [ -n "$(ss -Hlun "sport = :${1##*:}" 2>/dev/null)" ] ;;
        *) [ -n "$(ss -Hltn "sport = :${1##*:}" 2>/dev/null)" ] ;;
    esac
}

listens_or_ended() {
    is_listening "$1" || ! kill -0 "$2" 2>/dev/null
}

# bats waits for everybody who holds one of its pipes.
close_descriptors() {
    local path number
    for path in "/proc/$BASHPID/fd"/*; do
        number=${path##*/}
        [ "$number" -le 2 ] || eval "exec $number>&-"
    done
}

serve() {
    serve_as root "$@"
}

serve_as() {
    local user=$1 name=$2 address=$3 directory pid
    shift 4
    directory=$(servers_directory)
    mkdir -p "$directory"
    # A session of its own, so that what the server leaves behind can be found. A shell's background
    # child would ignore interrupt and quit.
    (
        close_descriptors
        RUN_AS="exec" as "$user" setsid env --default-signal=INT,QUIT "$@"
    ) >"$directory/$name.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid" >"$directory/$name.pid"
    await 20 listens_or_ended "$address" "$pid" || true
    is_listening "$address" && return 0
    show_log "$name"
    explain "$name does not listen on $address"
}

log_of() {
    echo "$(servers_directory)/$1.log"
}

show_log() {
    echo "--- what $1 said:" >&2
    tail -n 30 "$(log_of "$1")" >&2
}

show_logs() {
    local file
    for file in "$(servers_directory)"/*.pid; do
        [ ! -e "$file" ] || show_log "$(basename "$file" .pid)"
    done
}

has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

nothing_left_of() {
    [ -z "$(ps -o pid= -s "$1" | tr -d ' \n')" ]
}

stop() {
    local file pid left status=0
    file=$(servers_directory)/$1.pid
    pid=$(cat "$file")
    rm "$file"
    kill -TERM "$pid" 2>/dev/null || true
    if ! await 25 has_ended "$pid"; then
        kill -KILL "$pid"
        explain "$1 ($pid) did not end on TERM" || status=1
    fi
    wait "$pid" 2>/dev/null || true
    await 10 nothing_left_of "$pid" && return "$status"
    left=$(ps -o pid=,args= -s "$pid")
    ps -o pid= -s "$pid" | xargs -r kill -KILL
    explain "$1 left behind:" "$left"
}

stop_all() {
    local file status=0
    for file in "$(servers_directory)"/*.pid; do
        [ ! -e "$file" ] || stop "$(basename "$file" .pid)" || status=1
    done
    return "$status"
}

# The usual teardown of a file whose servers are started once; files may define their own.
teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
}

teardown_file() {
    stop_all
}

# ---- HTTP ---------------------------------------------------------------------------------------

# http USER ADDRESS PATH FILE [CURL OPTION...]: the body goes to FILE; prints the status, 000 without.
http() {
    local user=$1 address=$2 path=$3 body=$4 where
    shift 4
    case $address in
        /*) where=(--unix-socket "$address" "http://localhost$path") ;;
        *) where=("http://$address$path") ;;
    esac
    : >"$body"
    # shellcheck disable=SC2069 # the status is this function's output, the body goes to the file
    as "$user" curl -q --silent --noproxy '*' --max-time 20 --output - \
        --write-out '%{stderr}%{http_code}' "$@" "${where[@]}" 2>&1 >"$body" || true
}

ask() {
    local body status
    body=$(mktemp)
    status=$(http "$1" "$2" "$3" "$body")
    cat "$body"
    rm "$body"
    [[ $status = 2* ]]
}

gets() {
    local body status
    body=$(mktemp)
    status=$(http "$1" "$2" "$3" "$body")
    if [ "$status" != 200 ] || [ "$(cat "$body")" != "$4" ]; then
        explain "$1 asked $2 for $3: $status, not 200 with \"$4\"" "$(head -c 500 "$body")"
    fi
}

denied() {
    local body status
    body=$(mktemp)
    status=$(http "$1" "$2" "$3" "$body")
    if [[ $status != 40[34] ]] || grep -Eq "'s (private|own)" "$body"; then
        explain "$1 asked $2 for $3: $status, not 403 or 404" "$(head -c 500 "$body")"
    fi
}

cut_off() {
    local body status
    body=$(mktemp)
    status=$(http "$1" "$2" "$3" "$body")
    if [ "$status" != 000 ] || [ -s "$body" ]; then
        explain "$1 asked $2 for $3: $status, not cut off" "$(head -c 500 "$body")"
    fi
}

# ---- programs -----------------------------------------------------------------------------------

# tool NAME: prints where the program is. Some packages would start a service, or take the place of
# another package, if they were installed; those are unpacked into the build tree by tests/run.
tool() {
    local place
    for place in "${BUILD:-}/tests/tools/usr/sbin/$1" "${BUILD:-}/tests/tools/usr/bin/$1" \
        "${BUILD:-}/tests/tools/bin/$1" "/usr/sbin/$1" "/usr/bin/$1"; do
        if [ -x "$place" ] && is_dynamic "$place"; then
            echo "$place"
            return 0
        fi
    done
    return 1
}

is_dynamic() {
    grep -qaE '/ld-linux[-a-z0-9_]*\.so' "$1"
}
