#!/usr/bin/env bash
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# scratch_root.sh COMMAND...: runs COMMAND as root in a copy of this machine's root. All changes go to memory and are gone at
# the end, with all processes that COMMAND started. The project's folder and the network are those of this machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
if [[ ${SCRATCH_ROOT-} != inside ]]; then
    sudo=()
    ((EUID == 0)) || sudo=(sudo)
    exec "${sudo[@]}" env SCRATCH_ROOT=inside unshare --mount --pid --fork --kill-child "$0" "$@"
fi
layer=/mnt
mount -t tmpfs tmpfs "$layer"
mkdir "$layer"/{changes,work,merged}
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/changes,workdir=$layer/work" "$layer/merged" || {
    echo "scratch_root.sh: this machine cannot mount an overlay" >&2
    exit 1
}
mount -t proc proc "$layer/merged/proc"
mount --rbind /dev "$layer/merged/dev"
mkdir -p "$layer/merged$root" "$layer/merged/run" "$layer/merged/tmp"
mount -o bind,ro "$root" "$layer/merged$root"
exec chroot "$layer/merged" "$@"
