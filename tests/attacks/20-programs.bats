# 20: what a server starts for a client, in whatever way, is that client in every id, has no
# capability, and finds nothing of wsapeer: no descriptor, no variable.
#
# Seen to fail: without credentials_seal() in program_before_exec() the vfork forms ran as
# (guard, alice, alice); without start_by_become() the spawn forms did; without keep_ids() the one with
# POSIX_SPAWN_RESETIDS ran as (guard, guard, guard); with the environment left as it is the programs
# tried to greet the resolver and ended; without seal_child() the child of a fork stood as
# (guard, alice, guard) with the key to come back.
load fixtures/victim

PROBE=$BUILD/tests/attacks/fixtures/probe

# probe_is USER REQUEST...
probe_is() {
    local user=$1 request line
    shift
    for request; do
        line=$(ask_as "$user" "$request")
        is_sealed "$user" "$line" || explain "by: $request"
        [[ $line = *" descriptors= environment=clean" ]] || explain "by $request: $line"
    done
}

every_way() { # USER
    local call
    for call in execve execv execl execle fexecve execveat; do
        probe_is "$1" "exec $call $PROBE"
    done
    probe_is "$1" "exec execvp probe" "exec execvpe probe" "exec execlp probe" \
        "vfork execve $PROBE" "vfork execvpe probe" "vfork execlp probe" "vfork fexecve $PROBE" \
        "clone execve $PROBE" "spawn plain $PROBE" "spawn path probe" "spawn resetids $PROBE" \
        "popen probe" "popen sh -c probe"
    # What system() runs has our pipe.
    line=$(ask_as "$1" "system probe")
    is_sealed "$1" "$line"
    [[ $line =~ \ descriptors=[0-9]*\ environment=clean$ ]] || explain "system: $line"
}

@test "20: one connection after the other: each program is its client, of two in turn" {
    attack -- --model=iterative
    every_way alice
    every_way bob
}

@test "20: a thread a connection: each program is its client" {
    attack -- --model=thread
    every_way alice
    probe_is bob "vfork execve $PROBE" "spawn plain $PROBE" "popen probe"
}

@test "20: a process a connection: each program is its client" {
    attack -- --model=fork
    every_way alice
}

@test "20: a program that is not there is an error, and the thread stays the client" {
    attack -- --model=iterative
    answers alice "spawn plain /nonexistent" ENOENT
    answers alice "spawn path nonexistent" ENOENT
    same "$(ask_as bob "vfork execve /nonexistent")" ""
    visit a alice
    says a "vfork execve /nonexistent" ""
    is_peer alice "$(say a "both spawn plain /nonexistent ;; ids" | sed 's/.* ;; //')"
    leave a
    is_peer bob "$(ask_as bob ids)"
}

@test "20: in the child of a scope's own fork there is nobody else left to be" {
    attack -- --model=iterative
    for how in fork _Fork forkpty daemon; do
        line=$(ask_as alice "child $how ids")
        is_sealed alice "${line%|}" || explain "by $how"
        answers alice "child $how raw setuid 0" EPERM
        answers alice "child $how raw setresuid - 0 -" EPERM
        answers alice "child $how read $WORLD/home/bob/private" EACCES
        is_peer alice "$(ask_as alice "both child $how ids ;; ids" | sed 's/.* ;; //')"
    done
}
