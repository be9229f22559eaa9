#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# setup.sh [core|test|tools]...: what sigfire needs on Debian 12 or 13, as root or with sudo (default: everything).
#   core    compiler, build tools, headers of Boost and OpenSSL, CLI11, spdlog    build and run the server
#   test    node, chromium, meson, doxygen, lintian, shells, and nginx and coturn in .deps    real clients, consumers, docs
#   tools   clang 19 family with libc++, valgrind                                 sanitizers, fuzzing, format, bench
# Does nothing where all is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
core=(g++ cmake ninja-build ccache pkg-config git ca-certificates libcli11-dev libspdlog-dev libssl-dev)
test=(meson chromium python3 doxygen dpkg-dev file lintian man-db zsh fish)
tools=(clang-19 libc++-19-dev libc++abi-19-dev lld-19 clang-format-19 libclang-rt-19-dev llvm-19 valgrind)
# any node of 18 or newer will do, wherever it comes from
[[ $(node --version 2>/dev/null) =~ ^v(1[89]|[2-9][0-9])\. ]] || test+=(nodejs)
command -v npm >/dev/null || test+=(npm)

(($#)) || set -- core test tools
wanted=()
for group; do
    case $group in
    core) wanted+=("${core[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    tools) wanted+=("${tools[@]}") ;;
    *) echo "unknown group $group" >&2 && exit 2 ;;
    esac
done
if ! command -v apt-get >/dev/null; then
    echo "this script knows Debian only; install by hand: ${wanted[*]}, and the headers of Boost 1.81 or newer" >&2
    exit 1
fi

sudo=()
((EUID == 0)) || sudo=(sudo)
apt() {
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >/dev/null
}
retry() { "$@" || { sleep 5 && "$@"; } || { sleep 20 && "$@"; }; }

missing=()
for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
    echo "installing ${missing[*]}"
    retry apt update
    retry apt install -y --no-install-recommends "${missing[@]}"
elif [[ ! -e $here/../.deps/boost/.stamp && -z $(apt-get indextargets 'Origin: Debian') ]]; then
    retry apt update # the package lists may have been cleaned away
fi
retry "$here/fetch-boost.sh"

# Unpacked only: a server that is installed serves on its port from then on.
unpack() { # FOLDER PACKAGE...
    local packages folder=$1
    packages=$(mktemp -d)
    (cd "$packages" && retry apt-get -qq -o "APT::Sandbox::User=$(id -un)" download "${@:2}")
    mkdir -p "$folder"
    for package in "$packages"/*.deb; do dpkg-deb -x "$package" "$folder"; done
    rm -rf "$packages"
}
deps=$here/../.deps
if [[ " $* " == *" test "* ]]; then
    [[ -x $deps/nginx/usr/sbin/nginx ]] || unpack "$deps/nginx" nginx libnginx-mod-stream
    coturn=$deps/coturn/usr/bin/turnserver
    [[ -x $coturn ]] || unpack "$deps/coturn" coturn
    if ldd "$coturn" | grep -q 'not found'; then
        # Its libraries have other names in Debian 13.
        mapfile -t libraries < <(apt-cache depends coturn | sed -nE 's/^ +Depends: (lib[a-z0-9.+-]+)$/\1/p')
        retry apt install -y --no-install-recommends "${libraries[@]}"
    fi
fi
