# Event loops kept apart by scopes, without --inline: what they do for B between A's read and the next
# wait cannot be told apart, so they act for nobody, and say so.
load ../lib/each
load ../lib/rights
load nginx
load fileserver

# What the user is told: what the server is, and every way out that this version has.
log_explains() {
    local line
    line=$(grep "event loop" "$(log_of "$1")") || explain "$1's log does not name an event loop"
    [[ $line = *--inline* ]] || explain "--inline is not named: $line"
    if "$WSAPEER" run --help | grep -q -e '--isolate=.*account'; then
        [[ $line = *--isolate=account* ]] || explain "--isolate=account is not named: $line"
    fi
}

@test "nginx by scopes without --inline serves nobody's file, not even the owner's, and says why" {
    need_nginx
    serve_nginx www-data 127.0.0.1:8000 --isolate=scope
    nobody_gets_private 127.0.0.1:8000
    log_explains nginx
}

@test "nginx with workers as root by scopes without --inline serves nobody's file, and says why" {
    need_nginx
    serve_nginx root 127.0.0.1:8000 --isolate=scope
    nobody_gets_private 127.0.0.1:8000
    log_explains nginx
}

asyncio_serves_nobody() {
    local user file
    serve_files asyncio asyncio "$1" --isolate=scope
    for user in alice bob stranger; do
        for file in alice/private bob/private shared/staff shared/root; do
            declines "$user" "$1" "get /$file"
        done
    done
    log_explains asyncio
}

@test "asyncio over TCP by scopes without --inline serves nobody's file, and says why" {
    asyncio_serves_nobody 127.0.0.1:7000
}

@test "asyncio over AF_UNIX by scopes without --inline serves nobody's file, and says why" {
    asyncio_serves_nobody "$WORLD/loop.sock"
}

@test "--ground=base warns at the start that a server acts with its own rights for nobody" {
    serve_files ground threading 127.0.0.1:7000 --ground=base
    grep -q -e "--ground=base" "$(log_of ground)"
}
