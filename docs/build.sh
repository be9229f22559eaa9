#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# build.sh [OUT [PROGRAM]]: builds the documentation site into OUT (default: build/docs), for any static web server.
# PROGRAM is the program sigfire (default: build/release/bin/sigfire): its help gives a table of options. Needs node 18
# or newer, npm, doxygen, python3, a C++ compiler and the headers of Boost. SIGFIRE_DOCS_BASE is the path of the site on
# its host (default: /).
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-build/docs}") program=$(realpath -m "${2:-build/release/bin/sigfire}") work=build/docs-work
fail() { echo "build.sh: $*" >&2 && exit 1; }
[[ -x $program ]] || fail "there is no program $program; examples/run.sh builds it"

if ! cmp -s docs/package-lock.json docs/node_modules/.installed; then
    for pause in 2 5 10 0; do
        (cd docs && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) &&
            cp docs/package-lock.json docs/node_modules/.installed && break
        ((pause)) || fail "npm ci failed"
        sleep "$pause"
    done
fi

rm -rf "$out" "$work/doxygen" docs/generated
mkdir -p "$work/doxygen"
{ cat docs/Doxyfile && echo "OUTPUT_DIRECTORY = $work/doxygen"; } | doxygen - || fail "doxygen has warnings"
"${CXX:-g++}" -std=c++20 -Iinclude -isystem .deps/boost/include docs/errors.cpp -o "$work/errors"
python3 docs/reference.py "$program" "$work/errors" "$work/doxygen/xml" docs/generated
docs/node_modules/.bin/vitepress build docs --outDir "$out"
cp -r "$work/doxygen/html" "$out/api"
# Doxygen links to a list of nested classes even if all of them are private.
grep -LZ 'name="nested-classes"' "$out"/api/*.html | xargs -0 sed -i 's,<a href="#nested-classes">Classes</a> &#124;,,'
cp docs/reference/asyncapi.yaml "$out/reference/"
echo "the site: $out"
