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
mkdir "$layer"/{changes,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/changes,workdir=$layer/work" "$layer/root" || {
    echo "scratch_root.sh: this machine cannot mount an overlay" >&2
    exit 1
}
mount -t proc proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
mkdir -p "$layer/root$root" "$layer/root/run" "$layer/root/tmp"
mount -o bind,ro "$root" "$layer/root$root"
exec chroot "$layer/root" "$@"
