# A server that bounds its calls by an alarm whose handler jumps out of them (siglongjmp), at any moment
# of an accept, the first one included. Wherever that was, the next call that turns to other clients
# finds the thread at ground.
#
# Seen to fail: while the thread's state was written after the switch, 29 of 128 jumps left it with
# alice's rights for good; while signals could come in the midst of the first accept's lowering
# (without thread_block_signals()), the server waited for itself for ever.
load fixtures/victim

@test "jumping out of accept leaves nobody's rights behind, in a thousand clients" {
    serve victim "$ADDRESS" -- "$WSAPEER" run -- "$FIXTURES/jumper" "${ADDRESS##*:}"
    rounds alice 1000 x --reconnect >"$BATS_TEST_TMPDIR/answers"
    grep -q 'ground=[1-9]' "$BATS_TEST_TMPDIR/answers" || explain "no jump at all"
    run grep -v 'other=0$' "$BATS_TEST_TMPDIR/answers"
    [ "$(grep -cv closed <<<"${output:-closed}")" = 0 ] || explain "$output"
}
