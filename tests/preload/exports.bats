# What the library puts in front of libc is a list that can be read: hooks/exports.map.
load ../lib/world

library=$BUILD/preload/hooks/libwsapeer-preload.so
map=$SOURCE/preload/hooks/exports.map

listed() {
    sed -e 's/#.*//' "$map" | tr '\n' ' ' | sed -e 's|/\*[^*]*\*/||g' \
        -e 's/.*global:\(.*\)local:.*/\1/' | tr -d ' \t' | tr ';' '\n' | grep . | sort
}

exported() {
    nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' | sort
}

@test "the library exports what exports.map lists, and nothing else" {
    diff <(listed) <(exported)
}

@test "nothing is listed twice" {
    [ -z "$(listed | uniq -d)" ]
}

@test "every name is one that libc has" {
    local libc
    libc=$(ldd "$library" | awk '$1 == "libc.so.6" {print $3}')
    [ -z "$(comm -23 <(exported) <(nm -D --defined-only "$libc" | awk '{print $3}' |
        sed 's/@.*//' | sort -u))" ]
}

@test "the library needs libraries of libc alone" {
    local needed
    needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        grep -vE '^(libc\.so\.6|libmnl\.so\.0|ld-linux.*)$' || true)
    [ -z "$needed" ] || explain "it also needs $needed"
}
