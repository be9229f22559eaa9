#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# deb.sh BUILD_DIR: makes the Debian packages of a build that has the program, installs them by apt in a scratch root,
# runs the server, compiles a program with the headers, and removes both.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "deb.sh: $*" >&2 && exit 1; }

if [[ $1 != --inside ]]; then
    packages=$(mktemp -d -p "$(realpath "$1")")
    trap 'rm -rf "$packages"' EXIT
    (cd "$1" && cpack -G DEB -B "$packages" >"$packages/log") || fail "cpack: $(cat "$packages/log")"
    lintian --allow-root --fail-on error --quiet --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog \
        "$packages"/*.deb
    chmod 755 "$packages"
    "$here/scratch_root.sh" "$here/deb.sh" --inside "$packages"
    exit
fi

packages=("$2"/*.deb)
[[ ${#packages[@]} == 2 ]] || fail "there are ${#packages[@]} packages: ${packages[*]}"
left() { find /etc /usr /var -name '*sigfire*' | sort; }
[[ -z $(left) ]] || fail "this machine has sigfire: $(left)"
export DEBIAN_FRONTEND=noninteractive
[[ -n $(find /var/lib/apt/lists -name '*Packages*' -print -quit) ]] || apt-get -qq update
apt-get -qq install -y --no-install-recommends "${packages[@]}" >/tmp/log 2>&1 || fail "apt: $(cat /tmp/log)"
dpkg --verify sigfire libsigfire-dev

# The program, as the system's unit starts it.
unit=/usr/lib/systemd/system/sigfire.service
grep -qx "ExecStart=/usr/bin/sigfire serve --config /etc/sigfire/sigfire.json" "$unit" || fail "$(grep ExecStart "$unit")"
[[ $(dpkg-query -W -f='${Conffiles}' sigfire) == *" /etc/sigfire/sigfire.json "* ]] || fail "the configuration is no conffile"
man --warnings -E UTF-8 sigfire >/dev/null
sed -i 's/:3003/:0/' /etc/sigfire/sigfire.json
coproc { exec setpriv --reuid nobody --regid nogroup --clear-groups /usr/bin/sigfire serve --config /etc/sigfire/sigfire.json 2>/tmp/server.log; }
pid=$COPROC_PID
read -r -t 10 line <&"${COPROC[0]}" || fail "the server says nothing: $(cat /tmp/server.log)"
[[ $line =~ ^listening\ on\ ws://127\.0\.0\.1:([0-9]+)$ ]] || fail "the server says $line"
exec 3<>"/dev/tcp/127.0.0.1/${BASH_REMATCH[1]}"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
answer=$(timeout 10 head -n 1 <&3)
[[ $answer == "HTTP/1.1 200"* ]] || fail "/healthz: $answer"
exec 3>&-
kill -TERM "$pid"
wait "$pid" || fail "the server ends with $?"

# The headers, with the Boost that the package asked for.
cmake -S "$here/consumer/cmake" -B /tmp/app -G Ninja -Dmain="$here/consumer/small.cpp" >/tmp/log || fail "$(cat /tmp/log)"
cmake --build /tmp/app >/tmp/log || fail "$(cat /tmp/log)"
[[ $(/tmp/app/app) == "sigfire "[0-9]*": OK" ]] || fail "the program says $(/tmp/app/app)"
pkg-config --validate sigfire sigfire-tls

# The service, by stand-ins for systemd: an upgrade restarts it, a removal stops it.
mkdir -p /run/systemd/system
for program in systemctl deb-systemd-invoke; do
    printf '#!/bin/sh\necho %s "$@" >>/tmp/calls\n' "$program" >"/usr/local/bin/$program"
    chmod 755 "/usr/local/bin/$program"
done
PATH=/usr/local/bin:$PATH dpkg -i "$2"/sigfire_*.deb >/tmp/log 2>&1 || fail "$(cat /tmp/log)"
grep -q '"ws://127.0.0.1:0"' /etc/sigfire/sigfire.json || fail "an upgrade changes the configuration"
PATH=/usr/local/bin:$PATH dpkg --remove sigfire libsigfire-dev >/tmp/log 2>&1 || fail "$(cat /tmp/log)"
diff - /tmp/calls <<C
systemctl --system daemon-reload
deb-systemd-invoke try-restart sigfire.service
deb-systemd-invoke stop sigfire.socket sigfire.service
C
[[ $(left) == $'/etc/sigfire\n/etc/sigfire/sigfire.json\n'/var/lib/dpkg/info/sigfire.list ]] || fail "left after the removal: $(left)"
dpkg --purge sigfire libsigfire-dev >/tmp/log 2>&1 || fail "$(cat /tmp/log)"
[[ -z $(left) ]] || fail "left after the purge: $(left)"
echo "the Debian packages: OK"
