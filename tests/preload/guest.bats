# Programs that the library must not be noticed in: each of them was broken by it once.
#
# Seen to fail, in this order: with no exception for a thread that is at ground without the key, and
# with the key not looked for before serving begins, the server ended with status 125; with the
# signal not forgotten after fork the worker had its master's ("15 serving"); with descriptors up to
# 65536 select failed with EBADF, for numbers behind the set; without the hook of fclose the status
# was 0 and a child was left; with `is_loop` inherited each child got EACCES; with
# scope_wait_again() always false the three waits failed with EINTR; without ids_are_pretended() a user's
# chown(2) to root "worked" at a gate.
load ../attacks/fixtures/victim

PORT=${ADDRESS##*:}

run_lodger() { # prints what it says
    "$WSAPEER" run -- "$FIXTURES/lodger" "$@" 2>&1 </dev/null
}

serve_lodger() {
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/lodger" "$1" "$PORT"
}

each_his_own() {
    for user in alice bob; do
        answers "$user" "$WORLD/home/$user/private" "$user's private"
    done
    answers bob "$WORLD/home/alice/private" EACCES
}

@test "a thread that another library's constructor made: the server serves all the same" {
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/early" "$PORT"
    each_his_own
}

@test "capabilities given up by the raw call: nobody is served, the log says why, nothing dies" {
    serve_lodger capabilities
    same "$(ask_as alice "$WORLD/home/alice/private")" closed
    logged "this process has lost the privilege to become somebody"
    is_listening "$ADDRESS" || explain "it has ended"
    same "$(ask_as bob "$WORLD/home/bob/private")" closed
    is_listening "$ADDRESS" || explain "it has ended"
}

@test "a parent-death signal is the master's, and not its workers'" {
    serve victim "$ADDRESS" -- setpriv --pdeathsig TERM "$WSAPEER" run -- \
        "$FIXTURES/lodger" death "$PORT"
    answers alice hello "0 before, 0 serving"
}

@test "select(getdtablesize()) looks at nothing behind a set of the usual size" {
    ulimit -n 20000
    same "$(run_lodger select)" "1 of 20000, 0 bytes changed behind the set"
}

@test "fclose(3) ends a stream of popen(3) as pclose(3) does, and modes are libc's" {
    same "$(run_lodger popen)" "fclose: 0x300
pclose: 0x400
children left: none
re: stream
rw: EINVAL
rx: EINVAL"
}

@test "a process for each client of a loop that spoke: each is its client" {
    serve_lodger children
    each_his_own
}

@test "when serving begins no wait of another thread is interrupted" {
    same "$(run_lodger interrupted "$PORT" | sort)" "accept: EAGAIN
epoll_wait: woken
poll: woken
select: woken"
}

@test "chown(2) at a gate: a user is told that it may not give its file to root" {
    local made=$WORLD/home/alice/made
    as alice touch "$made"
    same "$(as alice "$WSAPEER" run --gate --datagrams=refuse -- /usr/bin/python3 -c 'if True:
        import os, sys
        for ids in (0, 0), (0, -1), (-1, 0), (1002, -1):
            try:
                os.chown(sys.argv[1], *ids)
                print("given", ids)
            except PermissionError as error:
                print(error.strerror, end=" ")' "$made" 2>&1)" \
        "$(printf 'Operation not permitted %.0s' 1 2 3 4)"
    rm "$made"
}
