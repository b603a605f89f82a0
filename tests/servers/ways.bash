# ways.bash: the two ways to have an instance of a server for each account, beside each other. After
# ../lib/world.bash and ../lib/rights.bash.
#
#   serve_way WAY NAME ADDRESS SERVER...    WAY: account (--isolate=account) or auto (no option)
#   right_by_any_way ADDRESS [CLIENT OPTION...]
#                                           1,200 requests, 16 at once, of four users: a connection
#                                           each, then on kept connections

serve_way() {
    local way=$1 name=$2 address=$3 options=()
    shift 3
    [ "$way" = auto ] || options=("--isolate=$way")
    serve "$name" "$address" -- "$WSAPEER" run "${options[@]}" -- "$@"
}

load_of() { # ADDRESS [CLIENT OPTION...]
    /usr/bin/python3 "$SOURCE/tests/servers/client.py" load --requests=600 "$@" ||
        explain "wrong answers at $1"
}

right_by_any_way() {
    load_of "$@"
    load_of "$@" --keep-alive
}
