# gunicorn whose workers wear out, or hang, and are replaced, in a sealed instance by a process that is
# alice's and believes to be root.
#
# Seen to fail: without owners_pretend() that process ended when it replaced a worker. With --user,
# without the service account of ids.c, or without the look at a process's own account in
# keeper_files.c, nobody was served at all. Without go_on_to_wait() of sealing.c it ended, or its
# workers did, when a client came while it started.
load ../lib/world
load ../lib/rights
load ways
load gunicorn

# Each worker ends after five requests; who keeps a connection then loses it, as without us. There are
# twelve from the first, with those of a spare.
right_while_workers_end() { # WAY [OPTION...]
    serve_gunicorn "$@" --max-requests 5
    load_of "$ADDRESS" --requests=100
    [ "$(grep -c "Booting worker" "$(log_of gunicorn)")" -ge 16 ] || explain "no worker was replaced"
}

@test "gunicorn, sync workers that are replaced: each his own" {
    right_while_workers_end account
    stop gunicorn
    right_while_workers_end auto
}

@test "gunicorn, threads, workers that are replaced: each his own" {
    right_while_workers_end account --threads 4
    stop gunicorn
    right_while_workers_end auto --threads 4
}

@test "gunicorn that gives up root for www-data, workers that are replaced: each his own" {
    right_while_workers_end account --user www-data --group www-data
    stop gunicorn
    right_while_workers_end auto --user www-data --group www-data --threads 4
}

# A spare may be somebody's when the first worker waits for clients; the others are made meanwhile.
@test "gunicorn, clients that come while it starts its workers: each his own, and no file is denied" {
    for _ in 1 2; do
        serve_gunicorn account --workers 4 --user www-data --group www-data
        load_of "$ADDRESS" --requests=32
        if grep -B 20 "Operation not permitted" "$(log_of gunicorn)" >&2; then
            return 1
        fi
        stop gunicorn
    done
}

workers_of() { # USER: the children of that user's first process
    pgrep -u "$1" -f gunicorn | tail -n +2
}

has_workers() { # USER
    [ "$(workers_of "$1" | wc -l)" = 2 ]
}

@test "gunicorn, workers that hang and are replaced: alice's next request is answered" {
    serve_gunicorn account --timeout 4
    gets alice "$ADDRESS" /alice/private "alice's private"
    gets bob "$ADDRESS" /bob/private "bob's private"
    await 20 has_workers alice
    workers_of alice | xargs kill -STOP
    gets alice "$ADDRESS" /alice/private "alice's private"
    await 10 grep -q "WORKER TIMEOUT" "$(log_of gunicorn)"
    gets bob "$ADDRESS" /bob/private "bob's private"
}
