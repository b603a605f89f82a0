# 48: --chroot-ok lets a process that is a peer's for good change its root directory once, and that is
# all it does: nothing that it executes has the capability, nor can such a program gain anything.
#
# Seen to fail, each by what was taken out: give_up() in credentials_change_root(): the second root.
# NO_NEW_PRIVS in seal_keeping(): a setuid program was root. forbid_ambient(): the program that was
# executed had CAP_SYS_CHROOT. root_stays(): a thread had it, too, after its maker's root was changed.
# The count in note_denial(): the log said nothing.
load fixtures/victim

HOME_OF_ALICE=$WORLD/home/alice
PROBE=$BUILD/tests/attacks/fixtures/probe
SYS_CHROOT=40000

may_once() {
    local line
    line=$(say one ids)
    [[ $line = "uid=1001,1001,1001 gid=1001,1001,1001 "*" prm=$SYS_CHROOT eff=0" ]] || explain "$line"
    says one privileges 1
    says one "raw-chroot $HOME_OF_ALICE" EPERM
    says one "chroot /" ok
    says one "chroot $HOME_OF_ALICE" ok
    says one "read /private" "alice's private"
    says one "chroot ." EPERM
    says one "chroot /" EPERM
    says one "raw-chroot ." EPERM
    is_sealed alice "$(say one ids)"
    says one privileges 1
}

@test "48: without the option it is denied, and the log names the option" {
    attack -- --model=fork
    visit one alice
    says one "chroot $HOME_OF_ALICE" EPERM
    says one "chroot /" EPERM
    says one privileges 0
    is_sealed alice "$(say one ids)"
    leave one
    answers bob "read $BOB" "bob's private"
    logged "asked for a root directory of its own (chroot)"
    logged "--chroot-ok would allow it"
}

@test "48: a child that is the peer's may do it once" {
    attack --chroot-ok -- --model=fork
    visit one alice
    may_once
    leave one
    answers bob "read $ALICE" EACCES
    answers bob "read $BOB" "bob's private"
    ! grep -q "chroot" "$(log_of victim)"
}

@test "48: so may a process that --isolate=connection makes" {
    attack --chroot-ok --isolate=connection -- --model=iterative
    visit one alice
    may_once
    leave one
    answers bob "read $BOB" "bob's private"
}

@test "48: one that fails was the one" {
    attack --chroot-ok -- --model=fork
    visit one alice
    says one "chroot $WORLD/nowhere" ENOENT
    says one "chroot $HOME_OF_ALICE" EPERM
    is_sealed alice "$(say one ids)"
    leave one
    visit two bob
    says two "chroot $HOME_OF_ALICE" ok # a name, no right: what is in there is alice's
    says two "read /private" EACCES
    leave two
}

@test "48: a process that others share is denied it, and goes on to serve" {
    attack --chroot-ok -- --model=iterative
    answers alice "chroot $HOME_OF_ALICE" EPERM
    answers alice "raw-chroot $HOME_OF_ALICE" EPERM
    answers alice "read $ALICE" "alice's private"
    answers bob "read $ALICE" EACCES
    line=$(ask_as alice ids)
    [[ $line = *" prm=400c0 eff=0" ]] || explain "$line"
    logged "--isolate=connection with --chroot-ok would allow it"
}

@test "48: what is executed has no capability, whatever was done before" {
    attack --chroot-ok -- --model=fork
    for request in "exec execve $PROBE" "vfork execve $PROBE" "clone execve $PROBE" \
        "spawn plain $PROBE" "popen $PROBE"; do
        is_sealed alice "$(ask_as alice "$request")" || explain "by $request"
    done
    visit one alice
    says one ambient EPERM
    is_sealed alice "$(say one "exec execve $PROBE")"
    is_sealed alice "$(say one "vfork execve $PROBE")"
    is_sealed alice "$(say one "spawn plain $PROBE")"
    leave one
}

@test "48: no setuid program helps: it is its caller" {
    mkdir "$WORLD/suid"
    mount -t tmpfs -o mode=755 suid "$WORLD/suid"
    install -m 4755 "$PROBE" "$WORLD/suid/probe"
    attack -- --model=fork
    [[ $(ask_as alice "exec execve $WORLD/suid/probe") = "uid=1001,0,0 "* ]]
    stop_all
    attack --chroot-ok -- --model=fork
    is_sealed alice "$(ask_as alice "exec execve $WORLD/suid/probe")"
    visit one alice
    says one "chroot $WORLD/suid" ok
    says one privileges 1
    leave one
}

@test "48: who makes a thread keeps its root, and so does the thread" {
    attack --chroot-ok -- --model=fork
    visit one alice
    says one "by thread raw-chroot $HOME_OF_ALICE" EPERM
    line=$(say one "by thread ids")
    is_sealed alice "$line"
    says one "chroot $HOME_OF_ALICE" EPERM
    leave one
    visit two alice
    says two "by thread chroot $HOME_OF_ALICE" EPERM
    leave two
}

@test "48: before it serves a server's root directory is its own affair" {
    mkdir -p "$WORLD/jail/lib"
    for option in "" --chroot-ok; do
        run timeout 20 "$WSAPEER" run ${option:+"$option"} -- /usr/bin/python3 -c 'if True:
            import os, sys
            os.chroot(sys.argv[1])
            os.chdir("/")
            os.chroot(".")
            print(os.listdir("/"))' "$WORLD/jail"
        same "$status $output" "0 ['lib']"
    done
}
