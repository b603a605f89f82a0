# gunicorn.bash: gunicorn that serves $WORLD/home by fileapp.py. After ../lib/world.bash and ways.bash.
#
#   needs_gunicorn                  skips the test where there is none
#   serve_gunicorn WAY [OPTION...]  on $ADDRESS, two workers

ADDRESS=127.0.0.1:8000

needs_gunicorn() {
    [ -x /usr/bin/gunicorn ] || skip "needs gunicorn: apt-get install gunicorn"
}

serve_gunicorn() {
    local way=$1
    shift
    ROOT=$WORLD/home serve_way "$way" gunicorn "$ADDRESS" \
        /usr/bin/python3 /usr/bin/gunicorn --bind "$ADDRESS" --workers 2 --keep-alive 60 \
        --chdir "$SOURCE/tests/servers" "$@" fileapp
}
