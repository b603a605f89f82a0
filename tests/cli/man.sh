#!/bin/bash
# man.sh PAGE...: mandoc's lint is silent about each page; the sections that every page of ours has
# are there, and so are the pages of ours that it refers to.
set -u
command -v mandoc >/dev/null || { echo "man.sh: needs mandoc: apt-get install mandoc" >&2; exit 125; }
[ $# -gt 0 ] || { echo "man.sh: no pages" >&2; exit 1; }

# Which pages of others are installed, and indexed, is this machine's affair and not ours.
lint() {
    mandoc -T lint "$1" 2>&1 |
        grep -v -e 'STYLE: referenced manual not found: ' -e '^mandoc: outdated mandoc.db lacks '
}

sections_missing() {
    local section sections=(NAME DESCRIPTION EXAMPLES SECURITY)
    [[ $1 = *.7 ]] || sections+=(SYNOPSIS "EXIT STATUS")
    for section in "${sections[@]}"; do
        grep -qx "\.Sh $section" "$1" || echo "$1: no section $section"
    done
}

pages_missing() {
    local name section
    while read -r _ name section _; do
        [[ " $all " = *" $name.$section "* ]] || echo "$1: refers to $name($section): no such page"
    done < <(grep '^\.Xr wsapeer' "$1")
}

all=$(basename -a "$@" | tr '\n' ' ')
for page; do
    lint "$page"
    sections_missing "$page"
    pages_missing "$page"
done | { ! grep .; }
