#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# docs.sh [PROGRAM]: builds the documentation site into build/docs and checks it. PROGRAM is the program sigfire
# (default: build/release/bin/sigfire). The build of the tests compiles the C++ snippets: tests/snippets.cmake.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
program=${1:-build/release/bin/sigfire}
if ! docs/build.sh build/docs "$program"; then # a dead link, a warning of doxygen, an option without a text
    echo "FAILED the site builds"
    echo "0 passed, 1 failed"
    exit 1
fi
printf 'ok the site builds\n1 passed, 0 failed\n'
status=0
python3 tests/docs.py build/docs "$program" || status=1
node docs/check.mjs build/docs || status=1
exit "$status"
