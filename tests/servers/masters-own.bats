# Workers with a listener each at one address (SO_REUSEPORT): whichever the kernel sends a client to,
# its account's instance gets it. Masters without an option, and servers that open their listener anew.
#
# Seen to fail with each listener by itself: half of the clients waited at one that their instance had
# not, and were cut off after ten seconds. Without REQUEST_BIND for the server of --isolate=auto it
# ended with EADDRINUSE when it opened its listener anew, and with it the whole service.
load masters

@test "masters: workers with a listener each, at one address: each his own, by every worker" {
    in_order own:epoll own:accept own-bound:epoll own-bound:poll pair:epoll pair-bound:epoll \
        --isolate=account
}

@test "masters, without an option: each his own, by every worker" {
    in_order fork:epoll high:epoll pass-bound:epoll move-bound:epoll own:epoll pair-bound:epoll
}

open_anew() { # ADDRESS [RUN OPTION...]
    export ADDRESS=$1
    shift
    begin alone epoll "$@"
    for _ in 1 2; do
        each_his_own 16
    
        kill -HUP "$(cat "$(servers_directory)/master.pid")"
        await 20 has_none_but_new || explain "instances are there from before the signal"
    done
    each_his_own 16
    stop_all
}

# What a reload has made stale ends when it is idle, and so not before it has opened its listener.
has_none_but_new() {
    ! "$WSAPEER" list --pid="$(cat "$(servers_directory)/master.pid")" --no-header |
        grep -q serving
}

@test "masters: a server that opens its listener anew has it again, and so has each instance" {
    for address in 127.0.0.1:7000 "$WORLD/tmp/anew"; do
        open_anew "$address" --isolate=account
        open_anew "$address"
    done
}
