# 46: a thread made before the server serves, which never calls a hook again, is at ground all the
# same when the first client has come.
#
# Seen to fail: without lower_all_threads() the thread kept all ids 0 and every capability, and read
# root's file for alice.
load fixtures/victim

@test "46: whoever made it, it reads nothing but what everybody may" {
    for early in pthread c11; do
        attack -- --model=thread --early="$early"
        line=$(ask_as alice "give $early ids")
        [[ $line =~ ^uid=(6[1-5][0-9]{3}),(6[1-5][0-9]{3}),(6[1-5][0-9]{3})\ .*\ groups=\ .*\ eff=0$ ]] ||
            explain "$early: $line"
        answers alice "give $early read $WORLD/home/shared/root" EACCES
        answers alice "give $early read $WORLD/home/alice/private" EACCES
        answers alice "give $early read $WORLD/home/shared/public" "everybody's"
        answers alice "give $early create $WORLD/home/alice/made" EACCES
        stop_all
    done
}

# libc does not know of it, so libc cannot reach it: such a server must not serve. Seen to fail: without
# threads_are_lowered() it read root's file for alice.
@test "46: one made by clone(2), which keeps all its rights: the server ends instead of serving" {
    attack -- --model=thread --early=clone || true
    line=$(ask_as alice "give clone read $WORLD/home/shared/root")
    same "$line" closed
    logged "the process ends"
}
