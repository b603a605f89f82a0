# 7: the server answers a client by a datagram socket that it does not bind: the kernel gives it an
# address. Who sends there is looked at as at one that was bound: the client may have gone, and another
# user have his port.
#
# Seen to fail: without scope_sends_to() bob was told "alice's private" in each way, and without
# scope_told_name() where she is told the socket's name.
load ../lib/each

ADDRESS=127.0.0.1:7000
CLIENT='if True:
    import os, socket, sys
    sys.path.insert(0, os.environ["SOURCE"] + "/tests/attacks/fixtures")
    from unbound import name_of, text_of
    own, to, *requests = sys.argv[1:]
    client = socket.socket(socket.AF_UNIX if to[0] == "@" else socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(1)
    client.bind(name_of(own))
    for request in requests:
        try:
            client.sendto(request.encode(), name_of(to))
            answer, sender = client.recvfrom(500)
            to = text_of(sender)
            print(answer.decode(), to, sep="|")
        except OSError as error:
            print(f"nothing|{to}")'

# serve_unbound WAY ISOLATION ADDRESS
serve_unbound() {
    local awaited=$3
    [ "$1" = tells ] || [[ $3 = @* ]] || awaited=udp:$3
    serve unbound "$awaited" -- "$WSAPEER" run --isolate="$2" -- \
        /usr/bin/python3 -B "$SOURCE/tests/attacks/fixtures/unbound.py" "$1" "$3"
}

# said USER OWN TO REQUEST...: an answer and where it came from, for each request
said() {
    as "$1" timeout 20 /usr/bin/python3 -Bc "$CLIENT" "${@:2}"
}

answers() { # WHAT TEXT
    [ "$1" = "$2" ] || explain "\"$1\", not \"$2\""
}

# Alice asks twice, and goes; bob has her address then, and asks where she was answered from.
is_alices_alone() { # WAY ISOLATION ADDRESS OWN
    local alice=$WORLD/home/alice/private where bobs
    serve_unbound "$1" "$2" "$3"
    mapfile -t lines < <(said alice "$4" "$3" "$alice" "$alice")
    answers "${lines[0]%|*} ${lines[1]%|*}" "alice's private alice's private"
    where=${lines[1]#*|}
    [ "$where" != "$3" ] || explain "it answers by the socket that it bound"
    bobs=$(said bob "$4" "$where" "$alice")
    [[ ${bobs%|*} = @(nothing|Permission denied) ]] || explain "bob was told \"$bobs\""
    stop unbound
}

@test "7: a socket that is connected to where a request came from, or sends there" {
    for way in connects sends; do
        for isolation in scope connection; do
            is_alices_alone "$way" "$isolation" "$ADDRESS" 127.0.0.1:6006
        done
    done
}

@test "7: the same of AF_UNIX" {
    for way in connects sends; do
        for isolation in scope connection; do
            is_alices_alone "$way" "$isolation" @unbound @client
        done
    done
}

@test "7: a socket whose name the client is told" {
    local alice=$WORLD/home/alice/private from where bobs
    for isolation in scope connection; do
        serve_unbound tells "$isolation" "$ADDRESS"
        exec {from}< <(RUN_AS="exec" as alice timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/7000
            echo >&3; cat <&3')
        read -r -t 20 -u "$from" where
        where=127.0.0.1:${where##*:}
        answers "$(said alice 127.0.0.1:6006 "$where" "$alice")" "alice's private|$where"
        bobs=$(said bob 127.0.0.1:6006 "$where" "$alice")
        [[ ${bobs%|*} = @(nothing|Permission denied) ]] || explain "bob was told \"$bobs\""
        exec {from}<&-
        stop unbound
    done
}

# The name service's answer comes from root, who is not served.
@test "7: a question of the server's own is answered by whom it asks" {
    cat >"$BATS_TEST_TMPDIR/asker.py" <<'END'
import socket
listener = socket.create_server(("127.0.0.1", 7000))
while True:
    with listener.accept()[0] as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        client.recv(100)
        asks.settimeout(5)
        asks.sendto(b"question", ("127.0.0.1", 5353))
        client.sendall(asks.recv(100) + b"\n")
END
    chmod 644 "$BATS_TEST_TMPDIR/asker.py"
    open_directories
    serve names udp:127.0.0.1:5353 -- socat UDP4-RECVFROM:5353,bind=127.0.0.1,fork EXEC:"echo answer"
    for isolation in scope connection; do
        serve asker "$ADDRESS" -- "$WSAPEER" run --isolate="$isolation" -- \
            /usr/bin/python3 "$BATS_TEST_TMPDIR/asker.py"
        answers "$(as alice timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/7000
            echo >&3; cat <&3')" answer
        stop asker
    done
}
