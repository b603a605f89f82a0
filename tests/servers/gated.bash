# gated.bash: a server that alice starts behind a gate, and who is let in. After ../lib/each.bash; the file
# that loads this sets QUESTION, what a client says before the server closes, and ANSWER, a part of what it
# is told.
#
#   gate NAME ADDRESS SERVER...   alice's own, for herself alone
#   root_gate NAME ADDRESS SERVER...   root's, for alice alone
#   let_in USER ADDRESS           the answer must come
#   kept_out USER ADDRESS         not a byte may
#   only_alice ADDRESS            each again and again
#   open_to_all NAME ADDRESS READ SERVER...   without a gate what alice keeps there is read by READ

gate() {
    local name=$1 address=$2
    shift 2
    serve_as alice "$name" "$address" -- "$WSAPEER" run --gate --allow=me -- "$@"
}

root_gate() {
    local name=$1 address=$2
    shift 2
    serve "$name" "$address" -- "$WSAPEER" run --gate --allow=alice -- "$@"
}

says() { # USER ADDRESS
    local address=TCP:$2
    [ "${2:0:1}" != / ] || address=UNIX-CONNECT:$2
    printf '%b' "$QUESTION" | as "$1" timeout 20 socat -t 20 - "$address" 2>/dev/null
}

let_in() {
    local said
    said=$(says "$1" "$2") || true
    [[ $said = *"$ANSWER"* ]] || explain "$1 said \"$QUESTION\" to $2 and was told \"$said\""
}

kept_out() {
    local said
    said=$(says "$1" "$2") || true
    [ "$said" = "" ] || explain "$1 was answered at $2: \"$said\""
}

only_alice() {
    for _ in 1 2 3; do
        let_in alice "$1"
        kept_out bob "$1"
        kept_out stranger "$1"
        kept_out root "$1"
    done
}

# Alice holds connections while others come: whoever accepts goes on to do so.
many_at_once() { # ADDRESS
    local user pids=()
    for user in alice bob alice stranger; do
        (
            close_descriptors
            for _ in {1..20}; do
                case $user in
                    alice) let_in alice "$1" || exit 1 ;;
                    *) kept_out "$user" "$1" || exit 1 ;;
                esac
            done
        ) &
        pids+=($!)
    done
    for user in "${pids[@]}"; do
        wait "$user" || explain "one of several at once was not answered as is due"
    done
}

open_to_all() {
    local name=$1 address=$2 read=$3
    shift 3
    serve_as alice "$name" "$address" -- "$@"
    let_in alice "$address"
    QUESTION=$read let_in bob "$address"
}
