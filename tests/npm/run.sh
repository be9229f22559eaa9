#!/bin/sh
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#
# run.sh [SERVER [RING...]]: tries real clients against the server program.
# SERVER is build/release/bin/sigfire unless given; a RING is the name of a file in rings/, without .mjs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
server=${1:-$here/../../build/release/bin/sigfire}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- program operate background tokens signal-fire-client page rpc msgpack peerjs one_port \
    transcripts nginx webhook turn jwks attack
[ -x "$server" ] || { echo "run.sh: there is no program $server" >&2; exit 2; }
server=$(cd "$(dirname "$server")" && pwd)/$(basename "$server")

cd "$here"
if ! cmp -s package-lock.json node_modules/.installed; then
    for pause in 2 5 10 0; do
        npm ci --no-audit --no-fund --ignore-scripts --loglevel=error && cp package-lock.json node_modules/.installed && break
        [ $pause -gt 0 ] || { echo "run.sh: npm ci failed" >&2; exit 1; }
        sleep $pause
    done
fi

failed=0
for ring do
    echo "# $ring"
    node "rings/$ring.mjs" "$server" || failed=1
done
exit $failed
