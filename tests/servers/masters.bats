# Masters and workers: however a listener comes to the process that waits for its clients, each
# account's instance has it, in every worker.
load masters

@test "masters: workers get a listener that listens already: each his own, by every worker" {
    in_order fork:epoll fork:accept exec:epoll exec:poll high:poll high:select spawn:select \
        pass:epoll pass:accept move:epoll move:poll --isolate=account
}

@test "masters: workers get a socket that is only bound: each his own, by every worker" {
    in_order fork-bound:accept exec-bound:epoll high-bound:poll spawn-bound:accept \
        pass-bound:epoll pass-bound:select move-bound:epoll --isolate=account
}
