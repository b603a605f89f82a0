# rights.bash: who may have which file of $WORLD/home, asked of one HTTP server that serves it.
# After world.bash.

own_file() {
    gets alice "$1" /alice/private "alice's private"
    gets bob "$1" /bob/private "bob's private"
}

others_file() {
    denied bob "$1" /alice/private
    denied alice "$1" /bob/private
    denied stranger "$1" /alice/private
    denied stranger "$1" /bob/private
    denied alice "$1" /shared/root
}

# staff is a supplementary group of alice and carol; alice also owns the file.
group_file() {
    gets carol "$1" /shared/staff "staff's own"
    gets alice "$1" /shared/staff "staff's own"
    denied bob "$1" /shared/staff
    denied stranger "$1" /shared/staff
}

public_file() {
    local user
    for user in alice bob carol stranger; do
        gets "$user" "$1" /shared/public "everybody's"
        gets "$user" "$1" /bob/public "bob's public"
    done
}

everything_right() {
    own_file "$1"
    others_file "$1"
    group_file "$1"
    public_file "$1"
}

# many_requests ADDRESS [CLIENT OPTION...]
many_requests() {
    /usr/bin/python3 "$SOURCE/tests/servers/client.py" load "$@"
    everything_right "$1"
}

# A server that acts for nobody: not even the owner gets a file that is not everybody's.
nobody_gets_private() {
    local user
    for user in alice bob carol stranger; do
        denied "$user" "$1" /alice/private
        denied "$user" "$1" /bob/private
        denied "$user" "$1" /shared/staff
        denied "$user" "$1" /shared/root
    done
}
