#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# fetch-boost.sh [DEST [SUITE PACKAGE]]: unpacks the headers of a Debian Boost package into DEST (default: .deps/boost
# in the project, with trixie's libboost1.88-dev) and leaves the system alone: own apt state, signatures checked with
# the keyring of Debian's archive. Needs no root. Does nothing if DEST holds that package already.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
dest=$(realpath -m "${1:-$root/.deps/boost}") suite=${2:-trixie} package=${3:-libboost1.88-dev}
stamp=$dest/.stamp
if [[ -f $stamp && $(<"$stamp") == "$suite/$package" ]]; then exit 0; fi

# the machine's own Debian archive, as its apt sources name it
mirror=${SIGFIRE_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)}
if [[ -z $mirror ]]; then
    echo "no Debian archive known: run 'apt-get update' once, or set SIGFIRE_DEBIAN_MIRROR" >&2
    exit 1
fi
keyring=${SIGFIRE_DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
chmod 755 "$apt"
mkdir -p "$apt"/{lists/partial,archives/partial,parts,deb}
: >"$apt/status"
echo "deb [arch=$(dpkg --print-architecture) signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<C
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::Etc::preferences "$apt/none";
Dir::Etc::preferencesparts "$apt/parts";
APT::Sandbox::User "$(id -un)";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11 { DefaultEnabled "false"; };
C
export APT_CONFIG=$apt/apt.conf
apt-get -qq update
(cd "$apt/deb" && apt-get -qq download "$package")
rm -rf "$dest.tmp"
mkdir -p "$dest.tmp"
# only the headers, the CMake config and the licence are wanted
dpkg-deb --fsys-tarfile "$apt"/deb/*.deb | tar -x -C "$dest.tmp" --strip-components=2 --wildcards \
    './usr/include/boost' './usr/lib/*/cmake' "./usr/share/doc/$package/copyright"
echo "$suite/$package" >"$dest.tmp/.stamp"
rm -rf "$dest"
mv "$dest.tmp" "$dest"
echo "Boost headers: $dest/include"
