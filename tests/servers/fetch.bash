# fetch.bash: who gets what from a server of files that offers $WORLD/home. After ../lib/world.bash; the
# file that loads this sets ADDRESS (HOST:PORT) and SERVER, what serve calls it, and SCHEME where it is
# another than tftp.

fetch() { # USER PATH
    as "$1" curl -q --silent --noproxy '*' --max-time 20 "${SCHEME:-tftp}://$ADDRESS/$2"
}

fetches() { # USER PATH TEXT
    local said
    said=$(fetch "$1" "$2") || true
    [ "$said" = "$3" ] || explain "$1 fetched $2: \"$said\", not \"$3\""
}

denied() { # USER PATH
    local said status=0
    said=$(fetch "$1" "$2") || status=$?
    # TFTP: 68 not found, 69 permission, 71 an error that has no number of its own; FTP: 9 a
    # directory, 78 a file that it does not give
    [[ $status =~ ^(9|68|69|71|78)$ && $said = "" ]] || explain "$1 fetched $2: $status \"$said\""
}

# What was refused never reaches the server: nobody answers.
unheard() { # USER PATH
    local said status=0
    said=$(as "$1" curl -q --silent --noproxy '*' --max-time 3 "${SCHEME:-tftp}://$ADDRESS/$2") || status=$?
    [[ $status = 28 && $said = "" ]] || explain "$1 fetched $2: $status \"$said\""
}

logged() {
    await 10 grep -qE -- "$1" "$(log_of "$SERVER")" || explain "no such line in the log: $1"
}

each_his_own() {
    fetches alice alice/private "alice's private"
    fetches bob bob/private "bob's private"
    denied bob alice/private
    denied alice bob/private
    denied stranger alice/private
    denied alice shared/root
    fetches carol shared/staff "staff's own"
    denied bob shared/staff
    fetches stranger shared/public "everybody's"
}

# Some KiB in many blocks, by users at once, again and again: each gets his own, whole.
at_once() { # ROUNDS
    local user pids=()
    for user in alice bob; do
        yes "$user's own line" | head -n 1000 >"$WORLD/home/$user/long"
        chown "$user" "$WORLD/home/$user/long"
        chmod 600 "$WORLD/home/$user/long"
        (
            for ((i = 0; i < $1; i++)); do
                fetch "$user" "$user/long" | cmp -s - "$WORLD/home/$user/long" || exit 1
            done
        ) &
        pids+=($!)
    done
    for user in "${pids[@]}"; do
        wait "$user" || explain "one of two users at once did not get the own file"
    done
}

send() { # USER TEXT PATH
    echo "$2" | as "$1" curl -q --silent --noproxy '*' --max-time 20 -T - "${SCHEME:-tftp}://$ADDRESS/$3"
}
