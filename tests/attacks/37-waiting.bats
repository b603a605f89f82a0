# 37: a handler that waits for its own connection to take bytes, and then opens files, is still the
# peer. Seen to fail: with every wait ending the scope (scope_before_wait() without its conditions)
# alice was refused her own file.
load fixtures/victim

@test "37: poll, select and epoll for writing on the own connection leave the peer in place" {
    for model in iterative thread fork prefork pool; do
        attack -- --model="$model"
        for wait in poll select epoll; do
            for user in alice bob; do
                same "$(ask_as "$user" "both wait-write $wait ;; read $WORLD/home/$user/private")" \
                    "ok ;; $user's private" "$model, $wait"
            done
            same "$(ask_as stranger "both wait-write $wait ;; read $WORLD/home/bob/private")" \
                "ok ;; EACCES" "$model, $wait"
        done
        stop_all
    done
}

@test "37: so does access(2), which asks with the peer's id and not the guard's" {
    attack -- --model=thread
    for call in access faccessat; do
        answers alice "$call $WORLD/home/alice/private" ok
        answers alice "$call $WORLD/home/shared/staff" ok
        answers bob "$call $WORLD/home/alice/private" EACCES
        answers bob "$call $WORLD/home/shared/root" EACCES
    done
}
