#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# layout.sh: the rules of the house that a grep can check. Says each breach, exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
breaches=0
breach() { echo "$*" && breaches=$((breaches + 1)); }
# Includes of a header that are not in the standard library: `path` as written between < and >.
includes() { sed -nE 's/^ *# *include *[<"]([^>"]*[./][^>"]*)[>"].*/\1/p' "include/sigfire/$1"; }
headers() { (cd include/sigfire && find "$@" -name '*.hpp' | sed 's|^\./||' | sort); }
# The headers and all of ours that they reach.
closure() {
    local seen=" " queue=("$@") f i
    while ((${#queue[@]})); do
        f=${queue[0]} queue=("${queue[@]:1}")
        [[ $seen == *" $f "* || ! -e include/sigfire/$f ]] && continue
        seen+="$f "
        for i in $(includes "$f"); do [[ $i == sigfire/* ]] && queue+=("${i#sigfire/}"); done
    done
    echo "$seen"
}

# Which room may include what of ours. A room not named here is a door at the top: it may include all.
declare -A may=(
    [core]='core'
    [text]='core|text'
    [framing]='core|text|framing'
    [codec]='core|text|codec'
    [dialect]='core|text|codec|dialect'
    [hub]='core|hub|text/utf8'
    [feature]='core|hub|feature|text/utf8|codec/detail'
    [admission]='core|hub|admission'
    [net]='core|text|framing|net'
    [client]='core|text|framing|codec|net|client'
    [rpc]='core|text|framing|rpc|net'
    [test]='core|test'
)
# What no header of a room may reach, be it through others.
declare -A never=(
    [core]='boost/(beast|json)[./]' [text]='boost/(asio|beast|json)[./]' [framing]='boost/(asio|beast|json)[./]'
    [codec]='boost/(asio|beast|json)[./]' [dialect]='boost/(asio|beast|json)[./]'
    [hub]='boost/(asio|beast|json)[./]' [feature]='boost/(asio|beast|json)[./]'
)
for room in "${!may[@]}"; do
    [[ -d include/sigfire/$room ]] || { breach "no room $room" && continue; }
    for f in $(headers "$room"); do
        for i in $(includes "$f"); do
            [[ $i != sigfire/* || $i =~ ^sigfire/(${may[$room]})[./] ]] || breach "$f includes $i: not from $room/"
        done
    done
done
for room in "${!never[@]}"; do
    for f in $(closure $(headers "$room" | grep -v '^core/asio/')); do
        for i in $(includes "$f"); do
            [[ $i =~ ^(${never[$room]}) ]] && breach "$room/ reaches $i through $f"
        done
    done
done
for folder in include/sigfire/*/; do
    room=$(basename "$folder")
    [[ ${may[$room]-} ]] || breach "$room/ has no rule"
done
# a room's private parts are its own, but for those of core
for f in $(headers .); do
    room=${f%%/*}
    for i in $(includes "$f"); do
        [[ $i =~ ^sigfire/([a-z]+)/detail/ ]] || continue
        owner=${BASH_REMATCH[1]}
        [[ $owner == core || $owner == "$room" ]] || private+="$f includes $i"$'\n'
    done
done
# the umbrella stays light
for f in $(closure sigfire.hpp); do
    for i in $(includes "$f"); do
        [[ $i =~ ^(boost/(json|redis|mqtt5|asio/ssl)|openssl|nats) ]] && breach "sigfire.hpp reaches $i through $f"
    done
done

for f in $(cd include/sigfire && find . -name '*.hpp' | sed 's|^\./||'); do
    path=include/sigfire/$f
    [[ $(sed -n 1p "$path") == "// Copyright (c) "*"MIT licence, see LICENSE." ]] || breach "$path: no licence line"
    [[ $(sed -n 2p "$path") == "#pragma once" ]] || breach "$path: no #pragma once"
    [[ $f == text/simd.hpp ]] || for i in $(includes "$f"); do
        [[ $i =~ intrin\.h|arm_neon\.h ]] && breach "$f includes $i: intrinsics stand in text/simd.hpp"
    done
    case $f in
    # nothing in them to test alone: plain data, the umbrella, what the tests of public headers reach
    version.hpp | sigfire.hpp | core/message.hpp | core/envelope.hpp | client/options.hpp | */detail/* | test/*) ;;
    core/asio/* | text/json/* | text/msgpack/* | net/engine/* | net/http/* | net/proxy/* | net/tls/*) ;;
    *) [[ -e tests/${f%.hpp}.cpp ]] || breach "$path: no tests/${f%.hpp}.cpp" ;;
    esac
done

# one suite holds all test cases of a file: the suites are what is run
while read -r f; do
    awk '/^BOOST_(AUTO|FIXTURE)_TEST_SUITE\(/ { if (++depth == 1) ++suites }
         /^BOOST_AUTO_TEST_SUITE_END\(/ { --depth }
         /^BOOST_[A-Z_]*TEST_CASE[A-Z_]*\(/ { if (depth == 0) outside = 1 }
         END { exit !(suites <= 1 && depth == 0 && !outside) }' "$f" || breach "$f: its test cases are not in one suite"
done < <(find tests -name '*.cpp' | grep -vE '^tests/(bench|fuzz|compile_fail|consumer|npm)/|^tests/(main|boost_json)\.cpp$|/node_modules/')

# the project speaks of itself alone
while read -r hit; do breach "$hit: a path of one machine"; done < <(
    grep -rnIE '(^|[^a-z.])/(work|home|root)/[a-z]|\.\./share''d' --exclude-dir={.git,.deps,build,node_modules} . | cut -d: -f1,2
)

((breaches == 0)) || { echo "$breaches breaches" && exit 1; }
