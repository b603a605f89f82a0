# git daemon: forks for each connection, has it as descriptors 0 and 1, asks access(2), and executes
# git upload-pack, which is the peer from its first instruction on.
load ../lib/each

ADDRESS=127.0.0.1:9418

setup() {
    tool git >/dev/null || skip "needs git: apt-get install git"
    export GIT_CONFIG_NOSYSTEM=1
    mkdir -p "$WORLD/repositories" "$WORLD/githome"
    chmod 755 "$WORLD/repositories" "$WORLD/githome"
    # What git asks before it reads a repository of another's; and it must be able to read its HOME.
    printf '[safe]\n\tdirectory = *\n' >"$WORLD/githome/.gitconfig"
    repository alice alice alice 700
    repository bob bob bob 700
    repository staff root staff 750
    repository public root root 755
    repository roots root root 700
}

repository() { # NAME OWNER GROUP MODE: one commit, whose message is NAME
    local path=$WORLD/repositories/$1
    rm -rf "$path"
    git init -q --bare "$path"
    git -C "$path" update-ref HEAD "$(git -C "$path" -c user.name=n -c user.email=e \
        commit-tree -m "$1" "$(git -C "$path" hash-object -t tree -w --stdin </dev/null)")"
    chown -R "$2:$3" "$path"
    chmod "$4" "$path"
}

serve_git() { # OPTION of run...
    git --version >&3
    serve git "$ADDRESS" -- env HOME="$WORLD/githome" "$WSAPEER" run "$@" -- "$(tool git)" daemon \
        --listen=127.0.0.1 --port=9418 --reuseaddr --export-all --enable=receive-pack \
        --base-path="$WORLD/repositories" "$WORLD/repositories"
}

clone() { # USER REPOSITORY DIRECTORY
    as "$1" timeout 20 git clone -q "git://$ADDRESS/$2" "$3"
}

gets_repository() { # USER NAME
    local directory=$WORLD/tmp/clone-$1-$2
    rm -rf "$directory"
    clone "$1" "$2" "$directory" || explain "$1 could not clone $2" || return 1
    [ "$(as "$1" git -C "$directory" log --format=%s)" = "$2" ] || explain "$1 got another than $2"
}

refused_repository() { # USER NAME
    ! clone "$1" "$2" "$WORLD/tmp/refused-$1-$2" 2>/dev/null || explain "$1 cloned $2"
}

each_his_own() {
    gets_repository alice alice
    gets_repository bob bob
    refused_repository bob alice
    refused_repository alice bob
    refused_repository stranger alice
    refused_repository alice roots
    gets_repository carol staff
    refused_repository bob staff
    gets_repository stranger public
}

push() { # USER NAME
    local directory=$WORLD/tmp/push-$1
    rm -rf "$directory"
    clone "$1" "$2" "$directory"
    as "$1" git -C "$directory" -c user.name=n -c user.email=e commit -q --allow-empty -m more
    as "$1" timeout 20 git -C "$directory" push -q origin HEAD
}

@test "git daemon: each his own, a stranger what everybody may have" {
    serve_git
    each_his_own
    each_his_own
}

@test "git daemon: what is pushed belongs to who pushed it, where he may" {
    serve_git
    push alice alice
    [ "$(git --git-dir="$WORLD/repositories/alice" log -1 --format=%s)" = more ]
    [ -z "$(find "$WORLD/repositories/alice" ! -user alice)" ] || explain "not all of it is alice's"
    ! push bob public 2>/dev/null || explain "bob wrote into root's repository"
}

@test "git daemon: two users at once, ten clones each" {
    serve_git
    local user pids=()
    for user in alice bob; do
        (
            close_descriptors
            for _ in {1..10}; do
                gets_repository "$user" "$user" || exit 1
            done
        ) &
        pids+=($!)
    done
    for user in "${pids[@]}"; do
        wait "$user" || explain "one of two users at once did not get the own repository"
    done
}

@test "git daemon, --isolate=connection and --isolate=account: each his own" {
    for way in connection account; do
        serve_git --isolate="$way"
        each_his_own
        stop git
    done
}

@test "git daemon without us: everybody gets everything" {
    serve git "$ADDRESS" -- env HOME="$WORLD/githome" "$(tool git)" daemon --listen=127.0.0.1 \
        --port=9418 --reuseaddr --export-all --base-path="$WORLD/repositories" "$WORLD/repositories"
    gets_repository stranger alice
}
