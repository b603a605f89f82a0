# rsync.bash: rsync --daemon with the configuration $BATS_TEST_TMPDIR/conf, and who gets what from a module
# of it that is $WORLD/home. After ../lib/each.bash; the file that loads this sets ADDRESS.

start_rsync() { # COMMAND that is to execute it...
    "$(tool rsync)" --version | head -n 1 >&3
    serve rsync "$ADDRESS" -- "$@" "$(tool rsync)" --daemon --no-detach --address="${ADDRESS%:*}" \
        --port="${ADDRESS##*:}" --config="$BATS_TEST_TMPDIR/conf" --log-file=/dev/null
}

copy() { # USER FROM TO
    as "$1" timeout 30 rsync --quiet --copy-links "${@:2}"
}

fetches() { # USER MODULE/PATH TEXT
    local file=$WORLD/tmp/fetched-$1
    rm -f "$file"
    copy "$1" "rsync://$ADDRESS/$2" "$file" || explain "$1 did not get $2" || return 1
    [ "$(cat "$file")" = "$3" ] || explain "$1 fetched $2: \"$(cat "$file")\", not \"$3\""
}

denied() { # USER MODULE/PATH
    local file=$WORLD/tmp/fetched-$1
    rm -f "$file"
    ! copy "$1" "rsync://$ADDRESS/$2" "$file" 2>/dev/null || explain "$1 got $2"
    [ ! -e "$file" ] || explain "$1 got $2: $(cat "$file")"
}

logged() {
    await 10 grep -qE -- "$1" "$(log_of rsync)" || explain "no such line in the log: $1"
}

each_his_own() { # MODULE
    fetches alice "$1/alice/private" "alice's private"
    fetches bob "$1/bob/private" "bob's private"
    denied bob "$1/alice/private"
    denied stranger "$1/alice/private"
    denied alice "$1/shared/root"
    fetches carol "$1/shared/staff" "staff's own"
    denied bob "$1/shared/staff"
    fetches stranger "$1/shared/public" "everybody's"
}
