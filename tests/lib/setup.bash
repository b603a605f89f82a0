# setup.bash: what tests/run, tests/demo and .ci/run need on a Debian 12 that has nothing yet.
# shellcheck disable=SC2034 # it is they that use these variables

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
PATH=/usr/sbin:/usr/bin:/sbin:/bin # Debian's own tools, whatever else the machine has
export PATH LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset CC CFLAGS LDFLAGS BUILD

need_root() {
    [ "$(id -u)" = 0 ] || {
        echo "$0: needs root, for packages and namespaces: sudo $0" >&2
        exit 1
    }
}

# What each package brings: a command, a file, a pkg-config name (pc:) or a Perl module (perl:).
to_build="gcc:gcc /usr/include/stdio.h:libc6-dev cmake:cmake make:make pkg-config:pkg-config
    pc:libmnl:libmnl-dev pc:jansson:libjansson-dev pc:libbpf:libbpf-dev clang-14:clang-14
    bpftool:bpftool"
to_run="ip:iproute2 ss:iproute2 ps:procps curl:curl python3:python3 perl:perl"
to_test="pc:cmocka:libcmocka-dev bats:bats nm:binutils socat:socat nft:nftables mandoc:mandoc
    perl:HTTP::Daemon:libhttp-daemon-perl clang-format-14:clang-format-14 shellcheck:shellcheck
    systemd-analyze:systemd node:nodejs apache2:apache2-bin gunicorn:gunicorn dnsmasq:dnsmasq-base
    tcpserver:ucspi-tcp unixserver:ucspi-unix s6-ipcserver:s6 rsync:rsync git:git /etc/protocols:netbase"

is_there() { # WHAT, as above without its package
    case $1 in
        pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
        perl:*) perl "-M${1#perl:}" -e 1 2>/dev/null ;;
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

install_packages() {
    echo "installing $*"
    apt-get -qq update
    # Nothing that the machine has is removed for a test's sake.
    apt-get -qq install --yes --no-install-recommends --no-remove "$@" >/dev/null
}

install_missing() { # WHAT:PACKAGE...
    local item missing=()
    for item; do
        is_there "${item%:*}" || missing+=("${item##*:}")
    done
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

# has_dynamic NAME: the machine has it, and a library can be loaded into it.
has_dynamic() {
    local path
    path=$(command -v "$1") && grep -qaE '/ld-linux[-a-z0-9_]*\.so' "$path"
}

# unpack_tool NAME PACKAGE BUILD: installed, a daemon would start (and only one inetd can be), and busybox
# would take the place of busybox-static; so these are only unpacked, where tests/lib/world.bash looks for
# them.
unpack_tool() {
    local name=$1 package=$2 tools=$3/tests/tools
    if has_dynamic "$name" || [ -e "$tools/$package" ]; then
        return 0
    fi
    echo "unpacking $package into $tools"
    mkdir -p "$tools"
    (
        cd "$tools" || exit 1
        rm -f ./*.deb
        apt-get -qq -o APT::Sandbox::User=root download "$package" 2>/dev/null || {
            apt-get -qq update
            apt-get -qq -o APT::Sandbox::User=root download "$package"
        }
        dpkg -x ./*.deb .
        dpkg-deb --field ./*.deb Version >"$package"
        rm -f ./*.deb
    )
}

# install_libraries NAME BUILD PACKAGE...: what an unpacked tool needs, for a machine that has not even
# those.
install_libraries() {
    local tool tools=$2/tests/tools
    for tool in "$tools"/{usr/sbin,usr/bin,bin}/"$1"; do
        if [ -e "$tool" ] && ldd "$tool" | grep -q 'not found'; then
            install_packages "${@:3}"
        fi
    done
}

# A build tree made by root in somebody's checkout is still that somebody's.
give_back() { # BUILD
    [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$1"
}
