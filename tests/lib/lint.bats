# What can be checked without running it.
load world

needs() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null || skip "needs $1: apt-get install $2"
}

sources() {
    find "$SOURCE"/{include,preload,cli,tests} -name '*.[ch]' 2>/dev/null
}

@test "clang-format is content with every C file" {
    needs clang-format-14 clang-format-14
    sources | xargs clang-format-14 --dry-run -Werror
}

@test "shellcheck is content with every script" {
    needs shellcheck shellcheck
    cd "$SOURCE"
    grep -rlE '^#!/bin/(ba)?sh' --exclude-dir='build*' --exclude-dir=.git . | xargs shellcheck -x
    find tests '(' -name '*.bats' -o -name '*.bash' ')' -print0 |
        xargs -0 shellcheck -x -s bash --severity=warning
}

@test "Python's scripts compile" {
    find "$SOURCE/tests" -name '*.py' -print0 | xargs -0 -n 1 /usr/bin/python3 -c '
import ast, sys
ast.parse(open(sys.argv[1]).read(), sys.argv[1])'
}
