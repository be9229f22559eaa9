#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# run.sh [STEP...]: sets the machine up, builds, runs all tests; or only the steps named. Debian 12 or 13, as root or
# with sudo. Each step is one line, and its whole output if it fails; the logs are in build/logs. The last line counts
# the tests of the steps that have some, and every other step as one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
jobs=$(nproc)
passed=0 failed=0 red=()

setup() { tests/setup.sh; }
format() {
    find include tests examples \( -name '*.hpp' -o -name '*.cpp' \) -not -path '*/node_modules/*' -print0 |
        xargs -0 -n 1 clang-format-19 --dry-run -Werror --ferror-limit=1
}
release() { cmake --preset release && cmake --build --preset release -j "$jobs"; }
headers() { # each public header alone
    cmake --build --preset release -j "$jobs" --target headers
}
unit() { ctest --preset release -j "$jobs" -LE consumer; }
consumers() { ctest --preset release -j "$jobs" -L consumer; }
server() { examples/run.sh --check; }
asan() { cmake --preset asan && cmake --build --preset asan -j "$jobs" && ctest --preset asan -j "$jobs"; }
libcxx() { # clang's own standard library
    cmake --preset libcxx && cmake --build --preset libcxx -j "$jobs" && ctest --preset libcxx -j "$jobs"
}
tsan() { cmake --preset tsan && cmake --build --preset tsan -j "$jobs" && ctest --preset tsan; }
fuzz() { cmake --preset asan && cmake --build --preset fuzz -j "$jobs" && ctest --preset fuzz -j "$jobs"; } # in asan's build
boost-floor() { # the oldest Boost that is promised
    tests/fetch-boost.sh .deps/boost-1.81 bookworm libboost1.81-dev &&
        g++ -std=c++20 -fsyntax-only -Wall -Wextra -Werror -Iinclude -isystem .deps/boost-1.81/include -x c++ \
            - <<<$'#include <sigfire/sigfire.hpp>\n#include <sigfire/rpc/rpc.hpp>'
}
npm() { tests/npm/run.sh; }
docs() { tests/docs.sh; }
suites() { # only on demand: those that asan runs, by the other compiler
    cmake --preset suites && cmake --build --preset suites -j "$jobs" && ctest --preset suites -j "$jobs"
}
long() { # only on demand: tests of many cases, all of them
    cmake --preset suites && cmake --build --preset suites -j "$jobs" &&
        SIGFIRE_LONG=1 ctest --preset suites -j "$jobs" --timeout 3600 -R 'simulations|resume_tables'
}
fuzz-long() { # only on demand: ten minutes for each target
    cmake --preset asan -DSIGFIRE_FUZZ_SECONDS=600 && cmake --build --preset fuzz -j "$jobs" &&
        ctest --preset fuzz -j "$jobs"
    local status=$?
    cmake --preset asan -DSIGFIRE_FUZZ_SECONDS=10 >/dev/null
    return "$status"
}
coverage() { # only on demand: ends with a table of lines covered
    rm -rf build/coverage/profile
    cmake --preset coverage && cmake --build --preset coverage -j "$jobs" && ctest --preset coverage -j "$jobs" &&
        llvm-profdata-19 merge -o build/coverage/all.profdata build/coverage/profile/*.profraw &&
        llvm-cov-19 report build/coverage/bin/sigfire_tests -instr-profile=build/coverage/all.profdata \
            -sources include -show-branch-summary=false | tee build/coverage/report.txt
}
bench-smoke() { python3 tests/bench/run.py --quick; } # builds its programs itself

run() {
    local step=$1 log=build/logs/$1.log began=$SECONDS ok=0 bad=0 status
    printf '%-12s ' "$step"
    ("$step") >"$log" 2>&1
    status=$?
    # what ctest says, and what other test programs end with: `N passed, M failed`
    read -r ok bad < <(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+).*/ctest \2 \1/p
        s/^([0-9]+) passed, ([0-9]+) failed$/sum \1 \2/p' "$log" |
        awk '{ ok += $1 == "ctest" ? $2 - $3 : $2; bad += $3 } END { print ok + 0, bad + 0 }')
    if ((ok + bad == 0)); then # a step without tests of its own
        ((status == 0)) && ok=1
    fi
    ((status != 0 && bad == 0)) && bad=1
    passed=$((passed + ok)) failed=$((failed + bad))
    if ((status == 0 && bad == 0)); then
        printf 'ok      %4d passed %5d s\n' "$ok" $((SECONDS - began))
    else
        red+=("$step")
        printf 'FAILED  %4d passed, %d failed %5d s\n' "$ok" "$bad" $((SECONDS - began))
        sed 's/^/    /' "$log"
    fi
    return "$status"
}

steps=(setup format release headers unit consumers server asan libcxx tsan fuzz boost-floor npm docs bench-smoke)
on_demand="suites long fuzz-long coverage"
if (($#)); then
    for step; do
        [[ " ${steps[*]} $on_demand " == *" $step "* ]] ||
            { echo "unknown step $step; there are: ${steps[*]} $on_demand" >&2 && exit 2; }
    done
    steps=("$@")
fi
mkdir -p build/logs
while ((${#steps[@]})); do
    step=${steps[0]} steps=("${steps[@]:1}")
    run "$step" && continue
    if [[ $step == setup || $step == release ]]; then # the rest would only fail in other words
        ((${#steps[@]})) && echo "left out: ${steps[*]}"
        break
    fi
done
((${#red[@]})) && echo "failed: ${red[*]}"
echo "$passed passed, $failed failed"
((failed == 0))
