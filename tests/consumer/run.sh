#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# consumer/run.sh KIND COMPILER BOOST_INCLUDE WORK_DIR: builds and runs a program outside this project that uses
# sigfire. KIND: cmake (installed), subdirectory (source tree), meson (subproject), pkgconfig (installed), macros (behind
# the macros of a user interface framework), shared (in a shared object that hides its symbols).
set -euo pipefail
kind=$1 compiler=$2 boost=$3 work=$4/$1
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$work"
mkdir -p "$work"

build() { # source dir, cmake arguments...
    cmake -G Ninja -S "$1" -B "$work/build" -DCMAKE_CXX_COMPILER="$compiler" "${@:2}"
    cmake --build "$work/build"
}
install_tree() {
    cmake -G Ninja -S "$root" -B "$work/sigfire" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="${boost%/include}"
    cmake --install "$work/sigfire" --prefix "$work/prefix"
}
case $kind in
cmake)
    install_tree
    build "$here/cmake" "-DCMAKE_PREFIX_PATH=$work/prefix;${boost%/include}"
    ;;
subdirectory) build "$here/subdirectory" -DCMAKE_PREFIX_PATH="${boost%/include}" ;;
meson)
    mkdir -p "$work/source/subprojects"
    cp "$here/meson/meson.build" "$here/main.cpp" "$work/source"
    ln -s "$root" "$work/source/subprojects/sigfire"
    CXX=$compiler BOOST_ROOT=${boost%/include} meson setup "$work/build" "$work/source"
    meson compile -C "$work/build"
    ;;
pkgconfig)
    install_tree
    export PKG_CONFIG_PATH=$work/prefix/share/pkgconfig
    mkdir "$work/build"
    # shellcheck disable=SC2046
    "$compiler" -std=c++20 "$here/main.cpp" $(pkg-config --cflags --libs sigfire) -isystem "$boost" -o "$work/build/consumer"
    ;;
macros)
    mkdir "$work/build"
    "$compiler" -std=c++20 -I"$root/include" -isystem "$boost" "$here/macros.cpp" -o "$work/build/consumer"
    ;;
shared)
    mkdir "$work/build"
    for part in "-shared -fPIC $here/shared/plugin.cpp -o $work/build/libplugin.so" \
        "$here/shared/main.cpp -o $work/build/consumer -L$work/build -lplugin -Wl,-rpath,$work/build"; do
        # shellcheck disable=SC2086
        "$compiler" -std=c++20 -fvisibility=hidden -I"$root/include" -isystem "$boost" $part
    done
    ;;
*) echo "unknown kind $kind" >&2 && exit 2 ;;
esac
said=$("$work/build/consumer")
echo "$said"
[[ $said == "sigfire "[0-9]*": OK" ]]
