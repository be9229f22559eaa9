#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# layout.sh: checks rules of CONTRIBUTING.md. Says each breach, exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
breaches=0
breach() { echo "$*" && breaches=$((breaches + 1)); }
# What a header includes that is not in the standard library: paths as written between < and >.
declare -A includes
while IFS=: read -r f i; do includes[${f#include/sigfire/}]+="$i "; done < <(
    grep -rE '^ *# *include *[<"][^>"]*[./]' include/sigfire --include='*.hpp' |
        sed -E 's/^([^:]*):[^<"]*[<"]([^>"]*)[>"].*/\1:\2/'
)
headers() { (cd include/sigfire && find "$@" -name '*.hpp' | sed 's|^\./||' | sort); }
# The headers and all of ours that they reach.
closure() {
    local seen=" " queue=("$@") f i
    while ((${#queue[@]})); do
        f=${queue[0]} queue=("${queue[@]:1}")
        [[ $seen == *" $f "* || ! -e include/sigfire/$f ]] && continue
        seen+="$f "
        for i in ${includes[$f]-}; do [[ $i == sigfire/* ]] && queue+=("${i#sigfire/}"); done
    done
    echo "$seen"
}

# Which folder may include which others. Headers at the top may include all.
declare -A may=(
    [core]='core'
    [text]='core|text'
    [framing]='core|text|framing'
    [codec]='core|text|codec'
    [dialect]='core|text|codec|dialect'
    [hub]='core|hub|text/utf8'
    [feature]='core|hub|feature|text/utf8'
    [admission]='core|text|hub|admission|net/(accept_gate|http_client|proxy/network_list)'
    [net]='core|text|framing|net'
    [client]='core|text|framing|codec|net|client'
    [rpc]='core|text|framing|rpc|net'
    [observe]='core|hub|net/stream_counters|observe|version'
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
        for i in ${includes[$f]-}; do
            [[ $i != sigfire/* || $i =~ ^sigfire/(${may[$room]})[./] ]] || breach "$f includes $i: not from $room/"
        done
    done
done
for room in "${!never[@]}"; do
    for f in $(closure $(headers "$room" | grep -v '^core/asio/')); do
        for i in ${includes[$f]-}; do
            [[ $i =~ ^(${never[$room]}) ]] && breach "$room/ reaches $i through $f"
        done
    done
done
for folder in include/sigfire/*/; do
    room=$(basename "$folder")
    [[ ${may[$room]-} ]] || breach "$room/ has no rule"
done
# A room's private parts are its own and its top header's (`client.hpp` of `client/`). Those of core are for all; any other part
# lent to another room stands here, with the room or top header that may include it.
declare -A lent=(
    [hub/detail/stored_event.hpp]=feature
    [admission/detail/pending_admissions.hpp]=listener.hpp
)
for f in $(headers .); do
    room=${f%%/*}
    for i in ${includes[$f]-}; do
        [[ $i =~ ^sigfire/([a-z]+)/detail/ ]] || continue
        owner=${BASH_REMATCH[1]}
        [[ $owner == core || $owner == "$room" || $owner.hpp == "$f" || ${lent[${i#sigfire/}]-} == "$room" ]] ||
            breach "$f includes $i, a private part of $owner/"
    done
done
# What is left of headers without comments: `FILE:LINE:TEXT`.
code() {
    (cd include/sigfire && find "$@" -name '*.hpp' | sort | while read -r f; do
        awk -v f="$f" '{
            s = $0; out = ""
            while (s != "") {
                if (inside) { at = index(s, "*/"); if (!at) break; s = substr(s, at + 2); inside = 0; continue }
                line = match(s, /(^|[^:"])\/\//) ? RSTART : 0; block = index(s, "/*")
                if (line && (!block || line < block)) { out = out substr(s, 1, line); break }
                if (!block) { out = out s; break }
                out = out substr(s, 1, block - 1); s = substr(s, block + 2); inside = 1
            }
            if (out ~ /[^ ]/) print f ":" FNR ":" out
        }' "$f"
    done)
}
# The hub and its features read and write no text.
while IFS=: read -r f line _; do breach "$f:$line handles text: that is for codecs"; done < <(
    code hub feature |
        grep -E '(json|msgpack)[_:]|_(json|msgpack)|include.*(json|msgpack)|codec(/|::)|R"|\\"')
# What codecs, hub, features and hooks hand each other has a type.
while IFS=: read -r f line _; do breach "$f:$line: const void* or std::any on the boundary"; done < <(
    code core codec dialect hub/hub.hpp hub/feature.hpp hub/feature_context.hpp hub/hooks.hpp |
        grep -E 'const +void *\*|void +const *\*|std::any\b|include <any>')
# the umbrella stays light
for f in $(closure sigfire.hpp); do
    for i in ${includes[$f]-}; do
        [[ $i =~ ^(boost/(json|redis|mqtt5|asio/ssl)|openssl|nats) ]] && breach "sigfire.hpp reaches $i through $f"
    done
done

for f in $(cd include/sigfire && find . -name '*.hpp' | sed 's|^\./||'); do
    path=include/sigfire/$f
    { read -r first && read -r second; } <"$path"
    [[ $first == "// Copyright (c) "*"MIT licence, see LICENSE." ]] || breach "$path: no licence line"
    [[ $second == "#pragma once" ]] || breach "$path: no #pragma once"
    [[ $f == text/simd.hpp ]] || for i in ${includes[$f]-}; do
        [[ $i =~ intrin\.h|arm_neon\.h ]] && breach "$f includes $i: intrinsics stand in text/simd.hpp"
    done
    case $f in
    # nothing in them to test alone: plain data, the umbrella, parts that the tests of public headers reach
    version.hpp | sigfire.hpp | core/message.hpp | */detail/* | test/*) ;;
    client/options.hpp | client/client_request.hpp | client/server_message.hpp | rpc/options.hpp) ;;
    core/asio/* | text/sink.hpp | text/json/* | text/msgpack/* | net/engine/* | net/http/* | net/proxy/* | net/tls/*) ;;
    *) [[ -e tests/${f%.hpp}.cpp ]] || breach "$path: no tests/${f%.hpp}.cpp" ;;
    esac
done

# two minor versions can be in one process: everything is in the inline namespace of its version
space=$(sed -nE 's/.*version\[\] = "([0-9]+)\.([0-9]+)\..*/v\1_\2/p' include/sigfire/version.hpp)
while read -r hit; do breach "$hit: a namespace without ::inline $space"; done < <(
    grep -rnE '^namespace sigfire' include tests/support | grep -vE "namespace sigfire::inline $space[: ]" | cut -d: -f1,2
)

# each test case stands in a suite, and no suite in another: ctest runs the suites
while read -r f; do
    awk '/^BOOST_(AUTO|FIXTURE)_TEST_SUITE\(/ { if (++depth > 1) nested = 1 }
         /^BOOST_AUTO_TEST_SUITE_END\(/ { --depth }
         /^BOOST_[A-Z_]*TEST_CASE[A-Z_]*\(/ { if (depth == 0) outside = 1 }
         END { exit nested || depth != 0 || outside }' "$f" ||
        breach "$f: a test case outside of suites, or nested suites"
done < <(find tests -name '*.cpp' | grep -vE '^tests/(bench|fuzz|compile_fail|consumer|npm)/|^tests/(main|boost_json)\.cpp$|/node_modules/')

# the project speaks of itself alone
while read -r hit; do breach "$hit: a path of one machine"; done < <(
    grep -rnIE '(^|[^a-z.])/(work|home|root)/[a-z]|\.\./share''d' --exclude-dir={.git,.deps,build,node_modules} --exclude=.git . | cut -d: -f1,2
)

((breaches == 0)) || { echo "$breaches breaches" && exit 1; }
