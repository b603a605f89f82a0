# 35: every descriptor of the server is in use. Whoever cannot be identified or looked up is refused,
# who is served is himself, nothing crashes, and all is well when there is room again.
#
# Seen to fail: with the channel's failure taken for "served" (account_ask()) bob was served as
# (guard, alice, guard): whoever stood in that memory before.
load fixtures/victim

ask_together() { # SPARE: three who are not remembered, while there is no room for them
    local user
    asking=()
    for user in bob stranger labguest; do
        ask_as "$user" ids >"$BATS_TEST_TMPDIR/$user.$1" &
        asking+=($!)
    done
}

judge_answers() { # SPARE
    local user line
    for user in bob stranger labguest; do
        line=$(cat "$BATS_TEST_TMPDIR/$user.$1")
        [ "$line" = closed ] || is_peer "$user" "$line"
    done
}

@test "35: from no to six descriptors left: the right user, or a refusal" {
    for spare in 0 1 2 3 4 5 6; do
        LIMIT=64 attack -- --model=thread
        visit a alice
        says a "eat $spare" ok
        ask_together "$spare"
        says a "read $WORLD/home/bob/private" "$([ "$spare" -lt 1 ] && echo EMFILE || echo EACCES)"
        is_peer alice "$(say a "both exec execve $FIXTURES/probe ;; ids" | sed 's/.* ;; //')"
        is_peer alice "$(say a "both by timer ids ;; ids" | sed 's/.* ;; //')"
        says a release ok
        wait "${asking[@]}"
        judge_answers "$spare"
        leave a
        is_peer bob "$(ask_as bob ids)"
        stop_all
    done
}
