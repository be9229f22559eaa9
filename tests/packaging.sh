#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# packaging.sh BUILD_DIR: installs a build that has the program in a folder of its own, and tries what came with it.
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >/dev/null
fail() { echo "packaging.sh: $*" >&2 && exit 1; }

for file in bin/sigfire include/sigfire/sigfire.hpp share/cmake/sigfire/sigfireConfig.cmake share/pkgconfig/sigfire.pc \
    share/pkgconfig/sigfire-tls.pc share/doc/sigfire/LICENSE share/man/man1/sigfire.1 etc/sigfire/sigfire.json \
    lib/systemd/system/sigfire.service lib/systemd/system/sigfire.socket share/bash-completion/completions/sigfire share/zsh/site-functions/_sigfire \
    share/fish/vendor_completions.d/sigfire.fish; do
    [[ -s $prefix/$file ]] || fail "$file is not there"
done

cmake --install "$1" --prefix "$prefix/headers" --component sigfire_dev >/dev/null
[[ $(ls "$prefix/headers") == $'include\nshare' && ! -e $prefix/headers/share/man ]] || fail "the headers come with more"

# The manual and the completion name each option of the help, and no other.
options() { grep -oE -- '--[a-z][a-z0-9-]*' | sort -u; }
help=$("$prefix/bin/sigfire" serve --help)
wanted=$(grep -oE '^ +(-[a-zA-Z],)?--[a-z0-9-]+' <<<"$help" | options)
manual=$(sed 's/\\-/-/g' "$prefix/share/man/man1/sigfire.1" | grep -A1 '^\.TP' | grep '^\.B -' | options)
[[ $manual == "$wanted" ]] || fail "options of the manual: $(diff <(echo "$wanted") <(echo "$manual"))"
if command -v man >/dev/null; then
    said=$(man --warnings -E UTF-8 -l "$prefix/share/man/man1/sigfire.1" 2>&1 >/dev/null)
    [[ -z $said ]] || fail "the manual: $said"
fi
completed=$(bash -c 'source "$1"; COMP_WORDS=("$2" serve --) COMP_CWORD=2 && _sigfire; printf "%s\n" "${COMPREPLY[@]}"' \
    - "$prefix/share/bash-completion/completions/sigfire" "$prefix/bin/sigfire" | sort -u)
[[ $completed == "$(options <<<"$help")" ]] || fail "options completed: $completed"
completed=$(bash -c 'source "$1"; COMP_WORDS=(sigfire s) COMP_CWORD=1 && _sigfire; echo "${COMPREPLY[@]}"' \
    - "$prefix/share/bash-completion/completions/sigfire")
[[ $completed == "serve start stop" ]] || fail "commands completed: $completed"
completed=$(zsh -fc 'compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@" }; words=("$2" serve --) CURRENT=3
    source "$1"' - "$prefix/share/zsh/site-functions/_sigfire" "$prefix/bin/sigfire" | sort -u)
[[ $completed == "$(options <<<"$help")" ]] || fail "options completed in zsh: $completed"
# shellcheck disable=SC2016
completed=$(PATH=$prefix/bin:$PATH fish --no-config -c 'source $argv[1]; complete -C "sigfire serve --"' \
    "$prefix/share/fish/vendor_completions.d/sigfire.fish" | cut -f 1 | sort -u)
[[ $completed == "$(options <<<"$help")" ]] || fail "options completed in fish: $completed"
# shellcheck disable=SC2016
completed=$(PATH=$prefix/bin:$PATH fish --no-config -c 'source $argv[1]; complete -C "sigfire serve --log-level "' \
    "$prefix/share/fish/vendor_completions.d/sigfire.fish" | tr '\n' ' ')
[[ $completed == "debug error info off warn " ]] || fail "levels completed in fish: $completed"

# The version is that of version.hpp; in a checkout past a release it names the commit too.
version=$(sed -n 's/.*version\[\] = "\(.*\)".*/\1/p' "$prefix/include/sigfire/version.hpp")
wanted=$version
root=$(cd "$(dirname "$0")/.." && pwd)
if [[ -e $root/.git ]]; then
    commit=g$(git -C "$root" describe --always --match='')
    if tag=$(git -C "$root" describe --tags --abbrev=0 --match='v[0-9]*' 2>/dev/null); then
        since=$(git -C "$root" rev-list --count "$tag..HEAD")
        ((since == 0)) || wanted+=+$since.$commit
    else
        wanted+=+$commit
    fi
fi
[[ $("$prefix/bin/sigfire" --version) == "$wanted" ]] || fail "the version is $("$prefix/bin/sigfire" --version), not $wanted"
grep -qF "sigfire $wanted" "$prefix/share/man/man1/sigfire.1" || fail "the manual names another version"

# The unit names the files of this prefix.
grep -qx "ExecStart=$prefix/bin/sigfire serve --config $prefix/etc/sigfire/sigfire.json" \
    "$prefix/lib/systemd/system/sigfire.service" || fail "$(grep ExecStart "$prefix/lib/systemd/system/sigfire.service")"

# The example configuration is one.
config=$prefix/etc/sigfire/sigfire.json
sed -i 's/:3003/:0/' "$config"
coproc { exec "$prefix/bin/sigfire" serve --config "$config"; }
pid=$COPROC_PID
read -r -t 10 line <&"${COPROC[0]}" || fail "the server says nothing"
[[ $line == "listening on ws://127.0.0.1:"* ]] || fail "the server says $line"
kill "$pid"
wait "$pid" || fail "the server ends with $?"

if command -v systemd-analyze >/dev/null; then
    said=$(systemd-analyze verify "$prefix/lib/systemd/system/sigfire.socket" 2>&1 | grep sigfire || true)
    [[ -z $said ]] || fail "the unit: $said"
fi
echo "the installed program: OK"
