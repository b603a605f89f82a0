# gunicorn: workers that handle one request at a time, and workers with threads. Its first process starts
# a worker when the one before may wait for clients already, and gives each a file of its own, by
# chown(2): as alice, in her instance.
#
# Seen to fail: without owners_pretend(), once in seven runs: that process had ended, "Operation not
# permitted", and all of alice's was refused for a while.
load ../lib/world
load ../lib/rights
load ways
load gunicorn

@test "gunicorn, sync workers, --isolate=account: 1,200 requests, 16 at once: each his own" {
    serve_gunicorn account
    right_by_any_way "$ADDRESS"
    everything_right "$ADDRESS"
}

@test "gunicorn, sync workers, without an option: 1,200 requests, 16 at once: each his own" {
    serve_gunicorn auto
    right_by_any_way "$ADDRESS"
    everything_right "$ADDRESS"
}

@test "gunicorn, threads, --isolate=account: 1,200 requests, 16 at once: each his own" {
    serve_gunicorn account --threads 4
    right_by_any_way "$ADDRESS"
}

@test "gunicorn, threads, without an option: 1,200 requests, 16 at once: each his own" {
    serve_gunicorn auto --threads 4
    right_by_any_way "$ADDRESS"
}
