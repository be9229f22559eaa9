#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# layout.sh: the rules of the house that a grep can check. Says each breach, exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
breaches=0
breach() { echo "$*" && breaches=$((breaches + 1)); }
# The headers of a layer, as paths below include/sigfire; those not written yet are left out.
layer() { (cd include/sigfire && for f in "$@"; do [[ -e $f ]] && echo "$f"; done); }

words=$(layer error.hpp message.hpp request.hpp peer.hpp envelope.hpp concepts.hpp version.hpp)
framing=$(layer framing/*.hpp)
dialects=$(layer codec/*.hpp dialect/*.hpp)
thinking=$(layer hub.hpp desk.hpp registry.hpp topics.hpp topic_table.hpp feature.hpp presence.hpp requests.hpp sessions.hpp records.hpp resume.hpp roster.hpp takeover.hpp heartbeat.hpp fanout.hpp router.hpp mailbox.hpp hooks.hpp deferral.hpp outlet.hpp auth.hpp limit.hpp claims.hpp)
moving=$(layer transport/*.hpp outbox.hpp relay/*.hpp)

# Includes of a header that are not in the standard library: `path` as written between < and >.
includes() { sed -nE 's/^ *# *include *[<"]([^>"]*[./][^>"]*)[>"].*/\1/p' "include/sigfire/$1"; }
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
# only RULE PATTERN FILES: each include matches the pattern.   never RULE PATTERN FILES: none does.
only() { for f in $3; do for i in $(includes "$f"); do [[ $i =~ ^($2)$ ]] || breach "$f includes $i: $1"; done; done; }
never() { for f in $3; do for i in $(includes "$f"); do [[ $i =~ ^($2) ]] && breach "$f includes $i: $1"; done; done; }

w='sigfire/(error|message|request|peer|envelope|concepts|version)\.hpp'
heavy='boost/(asio|beast|json)[./]'
only "words need the standard library and Boost.System only" "$w|boost/system/.*" "$words"
only "framings need words only" "$w|sigfire/(framing|detail)/.*" "$framing"
only "codecs and dialects need words only" "$w|sigfire/(codec|dialect|detail)/.*" "$dialects"
never "thinking headers do no I/O" "$heavy|sigfire/(transport|relay|outbox|listener|server|client)" "$thinking"
never "what moves bytes knows neither hub nor listener" 'sigfire/(hub|listener|server|client|registry|router|outlet)' "$moving"
never "it is reached from headers that do no I/O" "$heavy" "$(closure $words $framing $dialects $thinking)"
# the umbrella stays light
never "sigfire.hpp must stay free of it" 'boost/(json|redis|mqtt5|asio/ssl)|openssl|nats' "$(closure $(layer sigfire.hpp))"

for f in $(cd include/sigfire && find . -name '*.hpp' | sed 's|^\./||'); do
    path=include/sigfire/$f
    [[ $(sed -n 1p "$path") == "// Copyright (c) "*"MIT licence, see LICENSE." ]] || breach "$path: no licence line"
    [[ $(sed -n 2p "$path") == "#pragma once" ]] || breach "$path: no #pragma once"
    [[ $f == detail/simd.hpp ]] || never "intrinsics stand in detail/simd.hpp" '.*intrin\.h|arm_neon\.h' "$f"
    case $f in
    # nothing in them to test alone: plain data, the umbrella, what the tests of public headers reach
    version.hpp | sigfire.hpp | message.hpp | envelope.hpp | detail/* | test/*) ;;
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
