# gunicorn whose workers wear out, or hang, and are replaced, in a sealed instance by a process that is
# alice's and believes to be root.
#
# Seen to fail: without owners_pretend() that process ended when it replaced a worker. With --user,
# without the service account of ids.c, or without the look at a process's own account in
# keeper_files.c, nobody was served at all.
load ../lib/world
load ../lib/rights
load ways
load gunicorn

# Each worker ends after five requests; who keeps a connection then loses it, as without us.
right_while_workers_end() { # WAY [OPTION...]
    serve_gunicorn "$@" --max-requests 5
    load_of "$ADDRESS" --requests=150
    everything_right "$ADDRESS"
    [ "$(grep -c "Booting worker" "$(log_of gunicorn)")" -ge 25 ] || explain "no worker was replaced"
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
