# gunicorn.bash: gunicorn that serves $WORLD/home by fileapp.py. After ../lib/world.bash and ways.bash.
#
#   serve_gunicorn WAY [OPTION...]  on $ADDRESS, two workers

ADDRESS=127.0.0.1:8000

setup() {
    [ -x /usr/bin/gunicorn ] || skip "needs gunicorn: apt-get install gunicorn"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || show_logs
    stop_all
}

# A worker that is forked just then misses gunicorn's word to end, wrapped or not: for so long that is
# waited for.
serve_gunicorn() {
    local way=$1
    shift
    ROOT=$WORLD/home serve_way "$way" gunicorn "$ADDRESS" \
        /usr/bin/python3 /usr/bin/gunicorn --bind "$ADDRESS" --workers 2 --keep-alive 60 \
        --graceful-timeout 5 --chdir "$SOURCE/tests/servers" "$@" fileapp
}
