# refused.bash: how a command refuses to work. After ../lib/world.bash.
#
#   refuses COMMAND START STATUS TEXT ARGUMENT...   `wsapeer COMMAND` must fail so, with nothing on
#                                                   stdout and one line that begins with START and
#                                                   holds TEXT
# shellcheck disable=SC2154 # run sets stderr and stderr_lines
bats_require_minimum_version 1.5.0

refuses() {
    local command=$1 start=$2 wanted=$3 text=$4
    shift 4
    run "-$wanted" --separate-stderr timeout 20 "$WSAPEER" "$command" "$@"
    if [ -n "$output" ] || [ "${#stderr_lines[@]}" != 1 ] || [[ $stderr != "$start"*"$text"* ]]; then
        explain "$command $*: $status, not $wanted with one line about '$text'" "$output" "$stderr"
    fi
}
