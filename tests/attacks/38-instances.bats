# 38, 39, 41, 25, 46 with an instance for each account: what scopes must refuse is served right: each
# his own, never another's.
load fixtures/victim

@test "38, 41: loops of every kind, at once, in batches, by timers: each his own, in hundreds of rounds" {
    for wait in epoll epoll-et epoll-oneshot poll select each none; do
        for order in now batch later; do
            attack --isolate=account -- --model=loop --wait="$wait" --order="$order"
            each_his_own 25 4 "$wait, $order"
            stop_all
        done
    done
}

@test "25, 38: what one thread reads and another carries out: each his own" {
    for queue in cond sem pipe eventfd c11; do
        attack --isolate=account -- --model=loop --order=hand --queue="$queue"
        each_his_own 25 4 "$queue"
        stop_all
    done
}

@test "25: threads, pools and processes: each his own" {
    for model in thread fork prefork pool; do
        attack --isolate=account -- --model="$model" --workers=6
        each_his_own 25 4 "$model"
        is_sealed alice "$(ask_as alice ids)"
        is_sealed bob "$(ask_as bob ids)"
        stop_all
    done
}

@test "46: a thread made before serving that calls no hook is its account's, too" {
    for early in pthread c11 clone; do
        attack --isolate=account -- --model=thread --early="$early"
        is_sealed alice "$(ask_as alice "give $early ids")"
        is_sealed bob "$(ask_as bob "give $early ids")"
        answers bob "give $early read $ALICE" EACCES
        stop_all
    done
}

# By libc some say that they worked, for daemons that lower themselves: nothing changes by that.
@test "22: a sealed instance has no way to other ids, raw or by libc" {
    attack --isolate=account -- --model=thread
    for call in "setuid 0" "setresuid 0 0 0" "setgroups 0" "setresuid 1002 1002 1002" "setgid 0"; do
        answers alice "raw $call" EPERM
        answers alice "by thread raw $call" EPERM
        ask_as alice "libc $call" "by thread libc $call" >/dev/null
        is_sealed alice "$(ask_as alice ids)"
    done
}

@test "23: chown through libc in a sealed instance: what is its account's stays so" {
    local made=$WORLD/home/alice/made
    attack --isolate=account -- --model=thread
    answers alice "create $made" ok
    for ids in "0 0" "0 -" "- 0" "1001 0"; do
        answers alice "by thread chown $ids $made" ok
    done
    for ids in "1002 -" "- 1002" "0 1002" "33 33"; do
        answers alice "chown $ids $made" EPERM
    done
    for path in "$WORLD/home/bob/public" "$WORLD/home/shared/root"; do
        answers alice "chown 0 0 $path" EPERM
        answers alice "chown 1001 1001 $path" EPERM
    done
    same "$(stat -c %u:%g "$made")" 1001:1001
    rm "$made"
}

@test "38: what a loop of bob's did for nobody is now bob's, with a copied and an inherited listener" {
    for how in dup inherited; do
        serve victim "$ADDRESS" -- "$WSAPEER" run --isolate=account -- "$FIXTURES/deferred" "$how" \
            "${ADDRESS##*:}"
        same "$(ask_as bob "later $ALICE")" noted "bob"
        visit a alice
        tell a "$WORLD/home/alice/public"
        same "$(hear a)" "alice's public"
        leave a
        visit b bob
        for _ in 1 2; do
            tell b "$WORLD/home/bob/public"
            same "$(hear b)" "bob's public"
        done
        logged "the job: EACCES"
        leave b
        stop_all
    done
}

keep() { # USER COMMAND: prints the answer
    as "$1" /usr/bin/python3 -c 'if True:
        import socket, sys
        server = socket.create_connection(("127.0.0.1", 7000), 10)
        server.sendall(sys.argv[1].encode() + b"\n")
        print(server.makefile().read(), end="")' "$2"
}

@test "39: what a server keeps for one account it keeps for that account alone" {
    serve victim "$ADDRESS" -- "$WSAPEER" run --isolate=account -- "$FIXTURES/keeper" 7000
    same "$(keep alice "keep $ALICE")" "kept 0"
    same "$(keep bob "keep $BOB")" "kept 0"
    for use in pread preadv2 aio map child; do
        same "$(keep alice "$use 0")" "ok alice's private" "$use"
        same "$(keep bob "$use 0")" "ok bob's private" "$use"
    done
    same "$(keep carol "pread 0")" "$(keep stranger "pread 0")"
}

@test "38, 41: loops by epoll without an option, at once, in batches, by timers: each his own" {
    for wait in epoll epoll-et epoll-oneshot; do
        for order in now batch later; do
            attack -- --model=loop --wait="$wait" --order="$order"
            each_his_own 25 4 "$wait, $order"
            stop_all
        done
    done
}
