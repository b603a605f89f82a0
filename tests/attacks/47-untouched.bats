# 47: a socket that passes untouched (--only) is served with the server's own rights, never with those
# of a peer: whoever comes there says what the server is to do next, and answers go there.
#
# Seen to fail, each by what was taken out: thread_end_scope() in only_accept(): alice's file went to
# who came after her. The same in received_untouched(): to who had come before her. Without
# pending_cookie in remember() alice's scope began while the thread could go on with either.
# Without only_may_read() a child that is alice's for good answered for the server.
# Without `untouched` in is_shared() who waited for that socket and alice went on as alice. Without
# the look at the cookie in scope_passes() alice was served as base by a number's past.
load ../cli/doors

PUBLIC=127.0.0.1:7000
ADMIN=127.0.0.1:7001
ALICES=$WORLD/home/alice/private
EVERYBODYS=$WORLD/home/shared/public

attack() { # STEP...
    doors "$PUBLIC" "$ADMIN" --isolate=scope --only="$PUBLIC" -- "$@"
}

@test "47: a thread that served alice accepts there: it is alice no more" {
    attack accept:public:A read:A ids "file:$ALICES" accept:admin:X ids "file:$ALICES" read:X \
        "file:$ALICES" "file:$EVERYBODYS" read:A "file:$ALICES" serve
    comes alice "$PUBLIC"
    printed accept:public:A alice
    printed read:A hello
    printed ids alice
    printed "file:$ALICES" "alice's private"
    comes bob "$ADMIN"
    printed accept:admin:X ground
    printed ids ground
    printed "file:$ALICES" EACCES
    printed read:X hello
    printed "file:$ALICES" EACCES
    printed "file:$EVERYBODYS" "everybody's"
}

@test "47: who came there before her says something while the thread is alice: it is alice no more" {
    attack accept:admin:X accept:public:A ids "file:$ALICES" read:A ids read:X ids "file:$ALICES" serve
    comes bob "$ADMIN"
    printed accept:admin:X base
    comes alice "$PUBLIC"
    printed accept:public:A ground # it may go on with either
    printed ids ground
    printed "file:$ALICES" EACCES
    printed read:A hello
    printed ids alice
    printed read:X hello
    printed ids ground
    printed "file:$ALICES" EACCES
}

@test "47: a datagram there ends the scope of who sent the last one to the other" {
    UDP=--udp attack read:public ids "file:$ALICES" read:admin ids "file:$ALICES" serve
    sends alice "$PUBLIC"
    printed read:public hello
    printed ids alice
    printed "file:$ALICES" "alice's private"
    sends bob "$ADMIN"
    printed read:admin hello
    printed ids ground
    printed "file:$ALICES" EACCES
}

@test "47: a child that is alice's for good neither hears who came there, nor accepts there" {
    attack accept:admin:X accept:public:A read:A ids fork ids read:X accept:admin:Y joined serve
    comes bob "$ADMIN"
    comes alice "$PUBLIC"
    printed accept:admin:X base
    printed accept:public:A ground
    printed read:A hello
    printed ids alice
    printed ids alice
    printed read:X EACCES
    printed accept:admin:Y EPERM
}

# Two clients of one loop: what it puts off for one is done while the other's turn is.
@test "47: who waits for somebody who came there beside a peer is a loop, and acts for nobody" {
    attack accept:admin:X read:X accept:public:A wait:X:A read:A ids "file:$ALICES" serve
    comes bob "$ADMIN"
    printed accept:admin:X base
    printed read:X hello
    comes alice "$PUBLIC"
    printed accept:public:A ground
    printed wait:X:A ready
    printed read:A hello
    printed ids ground
    printed "file:$ALICES" EACCES
    logged "waits for several peers at once"
}

# The same by the listener: it brings work as a connection does.
@test "47: who waits for that socket beside a peer's connection is a loop, too" {
    attack accept:public:A wait:admin:A read:A ids serve
    comes alice "$PUBLIC"
    printed accept:public:A alice
    printed wait:admin:A ready
    printed read:A hello
    printed ids ground
}

# The number was the untouched listener's; libc closes it in a way of its own, and another has it.
@test "47: a socket that listens later under the same number is looked at anew" {
    attack move:admin:"$PUBLIC" accept:admin:A read:A ids "file:$ALICES" serve
    printed "move:admin:$PUBLIC" moved
    comes alice "$PUBLIC"
    printed accept:admin:A alice
    printed read:A hello
    printed ids alice
    printed "file:$ALICES" "alice's private"
}
