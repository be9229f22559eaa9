#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# run.sh [PORT]: sets the machine up, builds the server and serves on PORT (default 3003) until Ctrl-C.
# run.sh --check: the same on a free port; fetches the page, stops the server, exits 0 if all went well.
set -euo pipefail
cd "$(dirname "$0")/.."
tests/setup.sh core
mkdir -p build
echo "building the server, which may take minutes the first time (build/server.log)"
{ cmake --preset release && cmake --build --preset release --target sigfire_server; } >build/server.log 2>&1 ||
    { cat build/server.log && exit 1; }
server=build/release/bin/sigfire

if [[ ${1-} != --check ]]; then
    port=${1:-3003}
    echo "open http://127.0.0.1:$port/ in two tabs; Ctrl-C stops the server"
    exec "$server" serve -p "$port"
fi

coproc { exec "$server" serve -p 0; }
pid=$COPROC_PID out=${COPROC[0]}
trap 'kill "$pid" 2>/dev/null || true' EXIT
read -r -t 10 line <&"$out" || { echo "the server says nothing" >&2 && exit 1; }
echo "$line"
[[ $line =~ ^listening\ on\ ws://([0-9.]+):([0-9]+)$ ]] || { echo "not what a server says first" >&2 && exit 1; }
exec 3<>"/dev/tcp/${BASH_REMATCH[1]}/${BASH_REMATCH[2]}"
printf 'GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n' >&3
page=$(timeout 10 cat <&3 | tr -d '\r\0')
[[ $page == "HTTP/1.1 200"* && $page == *"</html>"* ]] || { echo "no page: ${page:0:200}" >&2 && exit 1; }
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
echo "page of ${#page} bytes; the server ended with status $status"
exit "$status"
