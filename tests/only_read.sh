#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# only_read.sh COMPILER ARGUMENT...: has a source file read for its warnings, templates included, and leaves an empty
# object. That takes half the time of a whole compilation. A precompiled header is compiled as ever.
set -euo pipefail
[[ " $* " == *" -x c++-header "* ]] && exec "$@"
command=() object=
while (($#)); do
    [[ $1 == -o ]] && object=$2
    command+=("$1") && shift
done
"${command[@]}" -fsyntax-only
: >"$object"
